package control_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/discovery"
)

// nobody scales no pods.
type nobody struct{}

func (nobody) Want(control.PodsWanted) {}
func (nobody) Forget(api.Key)          {}

// TestGoesOnFromAnother: a Rollout that another controller ran begins as that left
// it, once it is known which version the object asks for.
func TestGoesOnFromAnother(t *testing.T) {
	for name, c := range map[string]struct {
		status api.RolloutStatus // as it was first read
		phase  api.Phase
		stable string
		abort  bool
	}{
		"new":                 {api.RolloutStatus{}, api.PhaseHealthy, "h2", false},
		"healthy":             {api.RolloutStatus{StableRS: "h2", CurrentPodHash: "h2"}, api.PhaseHealthy, "h2", false},
		"half way":            {api.RolloutStatus{StableRS: "h1", CurrentPodHash: "h2"}, api.PhaseProgressing, "h1", false},
		"aborted":             {api.RolloutStatus{StableRS: "h1", CurrentPodHash: "h2", Abort: true}, api.PhaseDegraded, "h1", true},
		"another one aborted": {api.RolloutStatus{StableRS: "h1", CurrentPodHash: "h3", Abort: true}, api.PhaseProgressing, "h1", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{t: t, fleet: newFleet(), disk: newDisk()}
				ctx, cancel := context.WithCancel(context.Background())
				w.cancel = cancel
				w.Control = control.New(control.Options{Fleet: w.fleet, Store: w.disk, Saved: w.disk.saved, Pods: nobody{}})
				go func() { _ = w.Run(ctx) }()
				defer w.stop()
				r := discovery.FromFiles(map[string][]byte{"shop.yaml": []byte(objectsOf + slice("v1", 1) + slice("v2", 1) + fmt.Sprintf(rolloutOf, "v2", "{}"))})
				r.Objects.Rollouts[shop] = r.Objects.Rollouts[shop].WithStatus(c.status)
				if err := w.Objects(ctx, control.Update{Objects: r.Objects}); err != nil {
					t.Fatal(err)
				}
				if got := w.status(); got.StableRS != "" {
					t.Fatalf("without its pods %s is stable", got.StableRS)
				}
				w.PodsReported(shop, control.PodsReport{Version: "h2"})
				got := w.status()
				if got.Phase != c.phase || got.StableRS != c.stable || got.CurrentPodHash != "h2" || got.Abort != c.abort || got.Canary.Weights.Canary.Weight != 0 {
					t.Errorf("it begins as %s, stable %s, wanted %s, aborted %v", got.Phase, got.StableRS, got.CurrentPodHash, got.Abort)
				}
			})
		})
	}
}
