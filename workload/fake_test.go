package workload

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apps "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/serin-mesh/serin/api"
)

// world is a Workload on a server that is played: it gives UIDs and resource
// versions, and refuses what is stale. It lives in a bubble of synctest.
type world struct {
	*testing.T
	*Workload
	client *fake.Clientset
	cancel func()
	done   chan error

	mu       sync.Mutex // guards all below
	rv       int
	reports  []Report
	log      bytes.Buffer
	requests []string // verb, resource and subresource of each that is no read
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, client: fake.NewClientset(), done: make(chan error, 1)}
	w.client.PrependReactor("create", "replicasets", w.create)
	w.client.PrependReactor("patch", "replicasets", w.patched)
	w.client.PrependReactor("*", "*", w.note) // before these
	w.Workload = with(w.client, Options{Log: slog.New(slog.NewTextHandler(w, nil)), Report: func(r Report) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.reports = append(w.reports, r)
	}})
	ctx, cancel := context.WithCancel(t.Context())
	w.cancel = cancel
	go func() { w.done <- w.Workload.Run(ctx) }()
	time.Sleep(time.Second) // of the bubble: the caches are filled
	synctest.Wait()
	return w
}

// Write takes a line of the log.
func (w *world) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(line)
}

// close ends the Workload and waits until nothing of it is left.
func (w *world) close() {
	w.cancel()
	if err := <-w.done; err != nil {
		w.Error(err)
	}
}

func (w *world) note(a clienttesting.Action) (bool, runtime.Object, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch a.GetVerb() {
	case "get", "list", "watch":
	default:
		w.requests = append(w.requests, fmt.Sprint(a.GetVerb(), " ", a.GetResource().Resource, " ", a.GetSubresource()))
	}
	return false, nil, nil
}

func (w *world) next() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rv++
	return strconv.Itoa(w.rv)
}

// create gives a ReplicaSet its identity; a trial stays one.
func (w *world) create(a clienttesting.Action) (bool, runtime.Object, error) {
	c, ok := a.(clienttesting.CreateActionImpl)
	if !ok {
		return false, nil, nil
	}
	s, ok := c.GetObject().(*apps.ReplicaSet)
	if !ok {
		return false, nil, nil
	}
	if len(c.GetCreateOptions().DryRun) > 0 {
		return true, s, nil
	}
	s.UID, s.ResourceVersion = types.UID("uid-"+s.Name), w.next()
	return false, nil, nil
}

// patched refuses a stale patch, and gives the object a new version.
func (w *world) patched(a clienttesting.Action) (bool, runtime.Object, error) {
	p, ok := a.(clienttesting.PatchActionImpl)
	if !ok {
		return false, nil, nil
	}
	there, err := w.client.Tracker().Get(p.GetResource(), p.GetNamespace(), p.GetName())
	if err != nil {
		return true, nil, err
	}
	var patch map[string]map[string]any
	if err := json.Unmarshal(p.Patch, &patch); err != nil {
		return true, nil, err
	}
	if there.(*apps.ReplicaSet).ResourceVersion != patch["metadata"]["resourceVersion"] {
		return true, nil, apierrors.NewConflict(p.GetResource().GroupResource(), p.GetName(), fmt.Errorf("it is another"))
	}
	patch["metadata"]["resourceVersion"] = w.next()
	if p.Patch, err = json.Marshal(patch); err != nil {
		return true, nil, err
	}
	return clienttesting.ObjectReaction(w.client.Tracker())(p)
}

// set reads a ReplicaSet.
func (w *world) set(version string) *apps.ReplicaSet {
	w.Helper()
	s, err := w.client.Tracker().Get(apps.SchemeGroupVersion.WithResource("replicasets"), "prod", "shop-"+version)
	if err != nil {
		w.Fatal(err)
	}
	return s.(*apps.ReplicaSet).DeepCopy()
}

// put writes a ReplicaSet, as others would.
func (w *world) put(s *apps.ReplicaSet) {
	w.Helper()
	s.ResourceVersion = w.next()
	if err := w.client.Tracker().Update(apps.SchemeGroupVersion.WithResource("replicasets"), s, "prod", metav1.UpdateOptions{}); err != nil {
		w.Fatal(err)
	}
	synctest.Wait()
}

// follow has all pods of a version be there.
func (w *world) follow(version string) {
	w.Helper()
	s := w.set(version)
	n := *s.Spec.Replicas
	s.Status = apps.ReplicaSetStatus{Replicas: n, ReadyReplicas: n, AvailableReplicas: n, ObservedGeneration: s.Generation}
	w.put(s)
}

// want wants something and waits until nothing is left to do.
func (w *world) want(wanted Wanted) {
	w.Want(wanted)
	synctest.Wait()
}

func (w *world) last() Report {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.reports) == 0 {
		w.Fatal("there is no report")
	}
	return w.reports[len(w.reports)-1]
}

// version has a Rollout's version named.
func (w *world) version(r *api.Rollout, before Wanted) string {
	w.Helper()
	before.Rollout = r
	w.want(before)
	return w.last().Version
}

// began has a stable version of four pods.
func (w *world) began(r *api.Rollout) string {
	w.Helper()
	v := w.version(r, Wanted{})
	w.want(Wanted{Rollout: r, Stable: v, Version: v, Busy: []string{v}})
	w.follow(v)
	return v
}

// image gives a Rollout with another image.
func image(t *testing.T, name, canary string) *api.Rollout {
	t.Helper()
	r := shop(t, canary)
	r.Spec.Template.Spec = json.RawMessage(`{"containers": [{"name": "a", "image": "` + name + `"}]}`)
	r.Generation++
	return r
}
