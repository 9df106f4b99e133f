package kube

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/serin-mesh/serin/api"
)

// watch reads one kind in one namespace, or one object of it, and tells the
// inbox. It is what client-go's reflector keeps up to date: lists, resumed
// watches and waits after errors are the reflector's.
type watch struct {
	resource  resource
	version   string
	namespace string
	single    string // the only object that is wanted, or ""
	optional  bool   // that it is forbidden means that there is nothing
	stop      context.CancelFunc
	tell      func(w *watch, err error)
	inbox     *inbox
	opts      *Options

	// known has the resource version of each object that was told; it belongs
	// to the reflector's goroutine.
	known map[api.Key]string
}

// notShowing chooses the AnalysisRuns that do not only show what the analyses of
// Serin's own Rollouts are: these are many, and written by Serin itself.
const notShowing = "app.kubernetes.io/managed-by!=serin"

// backoff is how a reflector waits for an API server that does not answer.
func backoff() *wait.Backoff {
	return &wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 6, Cap: 10 * time.Second}
}

// run reads until ctx ends.
func (w *watch) run(ctx context.Context, c clients) {
	silent := logr.Discard() // what a reflector says is told once, by the list
	cache.NewReflectorWithOptions(w.lister(c), nil, w, cache.ReflectorOptions{
		Name: w.resource.plural, Backoff: backoff(), Logger: &silent,
	}).RunWithContext(klog.NewContext(ctx, silent))
}

// lister asks for the objects of the watch.
func (w *watch) lister(c clients) cache.ListerWatcher {
	limit := func(o *v1.ListOptions) {
		if w.single != "" {
			o.FieldSelector = fields.OneTermEqualSelector("metadata.name", w.single).String()
		}
		if w.resource.kind == kindPod {
			o.LabelSelector = api.LabelPodTemplateHash
		}
		if w.resource.kind == kindAnalysisRun {
			o.LabelSelector = notShowing
		}
	}
	at := w.resource.at(w.version)
	list := func(ctx context.Context, o v1.ListOptions) (runtime.Object, error) {
		return c.dynamic.Resource(at).Namespace(w.namespace).List(ctx, o)
	}
	follow := func(ctx context.Context, o v1.ListOptions) (apiwatch.Interface, error) {
		return c.dynamic.Resource(at).Namespace(w.namespace).Watch(ctx, o)
	}
	var client any = c.dynamic
	if w.resource.kind == kindPod {
		client = c.metadata
		list = func(ctx context.Context, o v1.ListOptions) (runtime.Object, error) {
			return c.metadata.Resource(at).Namespace(w.namespace).List(ctx, o)
		}
		follow = func(ctx context.Context, o v1.ListOptions) (apiwatch.Interface, error) {
			return c.metadata.Resource(at).Namespace(w.namespace).Watch(ctx, o)
		}
	}
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o v1.ListOptions) (runtime.Object, error) {
			limit(&o)
			found, err := list(ctx, o)
			return found, w.saw(ctx, err)
		},
		WatchFuncWithContext: func(ctx context.Context, o v1.ListOptions) (apiwatch.Interface, error) {
			limit(&o)
			found, err := follow(ctx, o)
			return found, w.saw(ctx, err)
		},
	}, client)
}

// saw tells of an answer and gives its error. What one may not read is as good
// as not there, where it is optional.
func (w *watch) saw(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	w.tell(w, err)
	if w.optional && apierrors.IsForbidden(err) {
		w.inbox.put(w)
	}
	return err
}

// only names the single object of a watch.
func (w *watch) only() name {
	return w.name(api.Key{Namespace: w.namespace, Name: w.single})
}

// String says what is read.
func (w *watch) String() string {
	out := w.resource.plural
	if w.resource.group != "" {
		out += "." + w.resource.group
	}
	if w.single != "" {
		return out + " " + w.only().key.String()
	}
	if w.namespace != "" {
		out += " in " + w.namespace
	}
	return out
}
