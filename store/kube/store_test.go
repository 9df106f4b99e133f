package kube_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/store"
	"github.com/serin-mesh/serin/store/kube"
)

var (
	shop = api.Key{Namespace: "default", Name: "shop"}
	cart = api.Key{Namespace: "default", Name: "cart"}
)

// line is a journal line.
func line(kind rollout.Kind) store.Entry {
	return store.Entry{Record: rollout.Record{Kind: kind, At: time.Unix(1_800_000_000, 0).UTC(), Message: "m", Actor: "serin"}, Version: "v1"}
}

// state is a stored Rollout.
func state(version string) store.Rollout {
	return store.Rollout{State: rollout.State{Stable: "v1", Version: version, Stage: rollout.Idle}, Service: shop, Evidence: json.RawMessage(`{"a":1}`)}
}

// run runs a store and gives how to end it.
func run(s *kube.Store) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return func() error { cancel(); return <-done }
}

// write writes and waits until that is durable.
func write(t *testing.T, s *kube.Store, w store.Write) {
	t.Helper()
	done := make(chan bool)
	w.Done = func() { close(done) }
	s.Write(w)
	<-done
}

func TestWhatIsWrittenIsLoaded(t *testing.T) {
	client := fake.NewClientset()
	s := kube.New(client, "serin", nil)
	if saved, err := s.Load(t.Context()); err != nil || len(saved.Rollouts) != 0 {
		t.Fatalf("an empty namespace gave %+v, %v", saved, err)
	}
	stop := run(s)
	write(t, s, store.Write{Put: map[api.Key]store.Rollout{shop: state("v1"), cart: state("v9")},
		Journal: map[api.Key][]store.Entry{shop: {line(rollout.FirstVersion)}}})
	write(t, s, store.Write{Put: map[api.Key]store.Rollout{shop: state("v2")}, Journal: map[api.Key][]store.Entry{shop: {line(rollout.CanaryStarted)}},
		Delete: []api.Key{cart}, Freeze: &store.Freeze{Of: &rollout.Freeze{Reason: "x"}}, Envoys: store.Envoys{"default/edge": {"e1"}},
		Releases: map[string]store.Release{"default/r": {Base: map[string]string{"shop": "v1"}}}})
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	again := kube.New(client, "serin", nil)
	saved, err := again.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := store.Saved{Rollouts: map[api.Key]store.Rollout{shop: state("v2")}, Freeze: &rollout.Freeze{Reason: "x"},
		Envoys: store.Envoys{"default/edge": {"e1"}}, Releases: map[string]store.Release{"default/r": {Base: map[string]string{"shop": "v1"}}}}
	if diff := cmp.Diff(want, saved); diff != "" {
		t.Errorf("loaded (-want +got):\n%s", diff)
	}
	journal, err := again.Journal(shop)
	if err != nil || len(journal) != 2 || journal[1].Seq != 2 || journal[1].Record.Kind != rollout.CanaryStarted {
		t.Errorf("journal %+v, %v", journal, err)
	}
	if journal, err := again.Journal(api.Key{Namespace: "x", Name: "y"}); err != nil || journal != nil {
		t.Errorf("an unknown Rollout has the journal %v, %v", journal, err)
	}
}

func TestJournalIsBounded(t *testing.T) {
	s := kube.New(fake.NewClientset(), "serin", nil)
	stop := run(s)
	for range 40 {
		w := store.Write{Journal: map[api.Key][]store.Entry{}}
		for range 10 {
			w.Journal[shop] = append(w.Journal[shop], line(rollout.Paused))
		}
		write(t, s, w)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	journal, err := s.Journal(shop)
	if err != nil || len(journal) != 300 || journal[299].Seq != 400 {
		t.Errorf("%d lines to %d, %v; want 300 to 400", len(journal), journal[len(journal)-1].Seq, err)
	}
}

// A write that fails for one of its Rollouts is told, tried again and done once:
// no line of another one's journal is written twice.
func TestFailedWritesAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset()
		refuse := 2
		client.PrependReactor("create", "configmaps", func(a clienttesting.Action) (bool, runtime.Object, error) {
			m := a.(clienttesting.CreateAction).GetObject().(*corev1.ConfigMap)
			if m.Data["rollout"] == "default/shop" && refuse > 0 {
				refuse--
				return true, nil, errors.New("no room")
			}
			return false, nil, nil
		})
		s := kube.New(client, "serin", nil)
		stop := run(s)
		failures := 0
		done := make(chan bool)
		s.Write(store.Write{Journal: map[api.Key][]store.Entry{shop: {line(rollout.Paused)}, cart: {line(rollout.Paused)}},
			Failed: func(err error) {
				if failures++; !strings.Contains(err.Error(), "no room") {
					t.Errorf("failed with %v", err)
				}
			},
			Done: func() { close(done) }})
		<-done
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for _, key := range []api.Key{shop, cart} {
			if j, err := s.Journal(key); err != nil || len(j) != 1 {
				t.Errorf("%s has %d lines, %v; want one", key, len(j), err)
			}
		}
		if failures != 2 {
			t.Errorf("told of %d failures, want 2", failures)
		}
	})
}

// Whoever finds that another server has written ends, and nothing of it counts as
// durable.
func TestSuperseded(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("update", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "configmaps"}, "x", errors.New("changed"))
	})
	s := kube.New(client, "serin", nil)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	write(t, s, store.Write{Put: map[api.Key]store.Rollout{shop: state("v1")}})
	s.Write(store.Write{Put: map[api.Key]store.Rollout{shop: state("v2")}, Done: func() { t.Error("a superseded write is durable") }})
	if err := <-ended; !errors.Is(err, kube.ErrSuperseded) {
		t.Errorf("ended with %v, want %v", err, kube.ErrSuperseded)
	}
}

// Evidence alone waits for some seconds, and goes with whatever comes before.
func TestEvidenceMayBeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset()
		s := kube.New(client, "serin", nil)
		stop := run(s)
		s.Write(store.Write{Put: map[api.Key]store.Rollout{shop: state("v1")}})
		synctest.Wait()
		if n := len(client.Actions()); n != 0 {
			t.Errorf("%d requests for evidence at once, want none", n)
		}
		time.Sleep(6 * time.Second) // of the bubble's clock
		synctest.Wait()
		if n := len(client.Actions()); n != 1 {
			t.Errorf("%d requests after six seconds, want one", n)
		}
		s.Write(store.Write{Put: map[api.Key]store.Rollout{shop: state("v2")}})
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		saved, err := kube.New(client, "serin", nil).Load(t.Context())
		if err != nil || saved.Rollouts[shop].State.Version != "v2" {
			t.Errorf("after the end: %+v, %v; want v2", saved.Rollouts, err)
		}
	})
}

// What cannot be read is named, and not begun anew.
func TestDamagedStates(t *testing.T) {
	for _, data := range []map[string]string{
		{}, {"rollout": "shop"}, {"rollout": "default/shop", "state": "{"},
	} {
		client := fake.NewClientset(&corev1.ConfigMap{Data: data,
			ObjectMeta: metav1.ObjectMeta{Namespace: "serin", Name: "broken", Labels: map[string]string{kube.Label: "rollout"}}})
		if _, err := kube.New(client, "serin", nil).Load(t.Context()); err == nil || !strings.Contains(err.Error(), "ConfigMap serin/broken") {
			t.Errorf("%v: %v, want an error that names it", data, err)
		}
	}
}
