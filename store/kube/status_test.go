package kube_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/store"
	"github.com/serin-mesh/serin/store/kube"
)

// shown is a Rollout with a status.
func shown(message string, requests uint64) *api.Rollout {
	return &api.Rollout{
		TypeMeta:   metav1.TypeMeta{APIVersion: "serin.dev/v1alpha1", Kind: "Rollout"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop", Generation: 7, UID: types.UID("u")},
		Status: api.RolloutStatus{Phase: api.PhaseProgressing, Message: message,
			Observed: map[string]api.VersionCounts{"v1": {Requests: requests}}},
	}
}

// A status is written at once when it says something else, some seconds later when
// only counts did, and not at all when nothing changed.
func TestStatusesAreWrittenWhenTheySaySomething(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "serin.dev/v1alpha1", "kind": "Rollout",
			"metadata": map[string]any{"namespace": "default", "name": "shop"}}}
		resource := schema.GroupVersionResource{Group: "serin.dev", Version: "v1alpha1", Resource: "rollouts"}
		client := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
			map[schema.GroupVersionResource]string{resource: "RolloutList"}, object)
		news := make(chan []api.Event)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		s := kube.NewStatuses(client, nil, slog.New(slog.DiscardHandler))
		go func() {
			done <- s.Run(ctx, func(ctx context.Context) ([]api.Event, error) {
				select {
				case e := <-news:
					return e, nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			})
		}()
		expect := func(what string, patches int) {
			t.Helper()
			synctest.Wait()
			if n := len(client.Actions()); n != patches {
				t.Errorf("%s: %d patches, want %d", what, n, patches)
			}
		}
		tell := func(r *api.Rollout) { news <- []api.Event{{Type: "rollout", Rollout: r}} }
		tell(shown("a", 1))
		expect("a new status", 1)
		tell(shown("a", 1))
		expect("the same again", 1)
		tell(shown("a", 2))
		expect("other counts", 1)
		tell(shown("b", 3))
		expect("another message", 2)
		tell(shown("b", 4))
		time.Sleep(11 * time.Second) // of the bubble's clock
		expect("counts after a while", 3)
		got, err := client.Resource(resource).Namespace("default").Get(ctx, "shop", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if v, _, _ := unstructured.NestedInt64(got.Object, "status", "observedGeneration"); v != 7 {
			t.Errorf("observed generation %d, want 7", v)
		}
		news <- []api.Event{{Type: "removed", Namespace: "default", Name: "shop"}}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Each line of a journal is an Event about the Rollout that there is.
func TestEvents(t *testing.T) {
	client := fake.NewClientset()
	events := kube.NewEvents(client, slog.New(slog.DiscardHandler))
	s := kube.New(client, "serin", nil)
	s.Tell(events.Journaled)
	events.See(map[api.Key]*api.Rollout{shop: shown("a", 0)})
	stop := run(s)
	write(t, s, store.Write{Journal: map[api.Key][]store.Entry{shop: {line(rollout.AbortedKind)}, cart: {line(rollout.Paused)}}})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- events.Run(ctx) }()
	w, err := client.CoreV1().Events("default").Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	list := func() int {
		l, err := client.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return len(l.Items)
	}
	if list() == 0 {
		<-w.ResultChan()
	}
	l, err := client.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(l.Items) != 1 {
		t.Fatalf("%d Events, %v; want one", len(l.Items), err)
	}
	if e := l.Items[0]; e.Type != "Warning" || e.Reason != "Aborted" || e.InvolvedObject.UID != "u" || e.InvolvedObject.Name != "shop" {
		t.Errorf("event %+v", e)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestStandardConditions: whoever knows the conventions alone can tell how a Rollout
// stands.
func TestStandardConditions(t *testing.T) {
	for phase, want := range map[api.Phase]map[string]string{
		api.PhaseHealthy:     {"Ready": "True"},
		api.PhaseProgressing: {"Ready": "False", "Reconciling": "True"},
		api.PhasePaused:      {"Ready": "False", "Reconciling": "True"},
		api.PhaseDegraded:    {"Ready": "False", "Stalled": "True"},
	} {
		r := shown("m", 0)
		r.Status.Phase = phase
		r.Status.Conditions = []api.RolloutCondition{{Type: "Healthy", Status: "True", Reason: "x"}}
		resource := schema.GroupVersionResource{Group: "serin.dev", Version: "v1alpha1", Resource: "rollouts"}
		object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "serin.dev/v1alpha1", "kind": "Rollout",
			"metadata": map[string]any{"namespace": "default", "name": "shop"}}}
		client := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
			map[schema.GroupVersionResource]string{resource: "RolloutList"}, object)
		got := written(t, client, resource, r)
		conditions, _, _ := unstructured.NestedSlice(got.Object, "status", "conditions")
		have := map[string]string{}
		for _, c := range conditions {
			m := c.(map[string]any)
			if m["observedGeneration"] != int64(7) {
				t.Errorf("%s: %v", phase, m)
			}
			if m["type"] != "Healthy" {
				have[m["type"].(string)] = m["status"].(string)
			}
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +got):\n%s", phase, diff)
		}
	}
}

// written has one status written, and gives the object then.
func written(t *testing.T, client *dynamicfake.FakeDynamicClient, resource schema.GroupVersionResource, r *api.Rollout) (got *unstructured.Unstructured) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		news := make(chan []api.Event, 1)
		news <- []api.Event{{Type: "rollout", Rollout: r}}
		done := make(chan error, 1)
		go func() {
			done <- kube.NewStatuses(client, nil, slog.New(slog.DiscardHandler)).Run(ctx, func(ctx context.Context) ([]api.Event, error) {
				select {
				case e := <-news:
					return e, nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			})
		}()
		synctest.Wait()
		var err error
		if got, err = client.Resource(resource).Namespace("default").Get(ctx, "shop", metav1.GetOptions{}); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return got
}
