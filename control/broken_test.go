package control_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/discovery"
	"github.com/serin-mesh/serin/rollout"
)

// withoutRollout reads the objects, and leaves the Rollout out as a cluster does that
// finds an error in it.
func withoutRollout(t *testing.T) control.Update {
	t.Helper()
	r := discovery.FromFiles(map[string][]byte{"shop.yaml": []byte(objectsOf + slice("v1", 1) + slice("v2", 1))})
	if r.Objects == nil {
		t.Fatal(r.Findings)
	}
	return control.Update{Objects: r.Objects, Findings: []api.Finding{{File: "rollout.serin.dev default/shop",
		Code: "E101", Kind: "Rollout", Key: shop, Message: "wrong"}}}
}

// TestBrokenAtTheStart: a Rollout whose object cannot be read when the server starts
// keeps its weights and goes on when it can be; it is not taken for a deleted one.
func TestBrokenAtTheStart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		w.stop()
		w.start()
		if err := w.Objects(context.Background(), withoutRollout(t)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute) // of the bubble's clock
		w.has(20)
		w.objects("v2", 1, 1)
		if st := w.status(); st.StableRS != "v1" || st.CurrentPodHash != "v2" || strings.Contains(st.Message, "error") {
			t.Errorf("mended, it stands at %+v", st)
		}
		w.has(50) // the pause was over long ago
	})
}

// TestBrokenWhileItRuns: and one whose object cannot be read any more is held.
func TestBrokenWhileItRuns(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		u := withoutRollout(t)
		u.Changed = []api.Ref{{Kind: "Rollout", Key: shop}}
		if err := w.Objects(context.Background(), u); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute) // of the bubble's clock
		w.has(20)
	})
}

// pods is a double of who scales.
type pods struct {
	mu     sync.Mutex // guards what follows
	wanted []control.PodsWanted
}

func (p *pods) Want(w control.PodsWanted) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = append(p.wanted, w)
}

func (p *pods) Forget(api.Key) {}

// last gives what is wanted now.
func (p *pods) last() control.PodsWanted {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted[len(p.wanted)-1]
}

// TestPodsAreWaitedFor: in a cluster a version is what the pods say it is; its weight
// is raised when they are there for it, and what an Envoy may use stays up.
func TestPodsAreWaitedFor(t *testing.T) {
	inWorld(t, func(w *world) {
		w.stop()
		p := &pods{}
		w.disk = newDisk()
		w.Control = control.New(control.Options{Fleet: w.fleet, Store: w.disk, Saved: w.disk.saved, Measurer: w.gauge, Pods: p})
		ctx, cancel := context.WithCancel(context.Background())
		w.cancel, w.last = cancel, nil
		go func() { _ = w.Run(ctx) }()

		w.objects("one", 1, 1)
		if got := p.last(); got.Stable != "" || got.Version != "" || got.Canary != (rollout.Need{}) {
			t.Fatalf("before its pods were told of, it wants %+v", got)
		}
		w.PodsReported(shop, control.PodsReport{Version: "v1"})
		if st := w.status(); st.StableRS != "v1" || st.Phase != api.PhaseHealthy {
			t.Fatalf("the first version: %+v", st)
		}
		w.PodsReported(shop, control.PodsReport{Version: "v2"})
		w.has(0)
		need := p.last().Canary
		if need != (rollout.Need{Version: "v2", Weight: 200_000}) {
			t.Fatalf("wanted of the pods: %+v", need)
		}
		w.PodsReported(shop, control.PodsReport{Version: "v2", Pods: rollout.Pods{Need: need, Message: "0 of 1"}})
		w.has(0)
		if st := w.status(); !strings.Contains(st.Message, "waiting for the pods of v2: 0 of 1") {
			t.Errorf("message %q", st.Message)
		}
		w.PodsReported(shop, control.PodsReport{Version: "v2", Pods: rollout.Pods{Need: need, Met: true}})
		w.has(20)

		if err := w.act("abort"); err != nil {
			t.Fatal(err)
		}
		if got := p.last(); !slices.Contains(got.Busy, "v2") || got.Aborted == nil {
			t.Errorf("at the abort it wants %+v, want v2 kept busy", got)
		}
		time.Sleep(3 * time.Second) // of the bubble's clock
		w.status()
		if got := p.last(); len(got.Busy) != 0 {
			t.Errorf("when nobody uses it, busy are %v", got.Busy)
		}
	})
}
