package kube

import (
	"testing"

	"github.com/serin-mesh/serin/api"
)

// TestStandsAsItWasFirstRead: a Rollout says how another controller left it, and
// what is written into its status later is no news.
func TestStandsAsItWasFirstRead(t *testing.T) {
	w := newWorld(t)
	text := rollout("argoproj.io", "cart", "cart:2", "")
	left := "status: {stableRS: v1, currentPodHash: v2, abort: true, currentStepIndex: 3}\n"
	first := w.apply(text + left).Objects.Rollouts[key("cart")]
	want := api.RolloutStatus{StableRS: "v1", CurrentPodHash: "v2", Abort: true}
	if s := first.Status; s.StableRS != want.StableRS || s.CurrentPodHash != want.CurrentPodHash || !s.Abort || s.CurrentStepIndex != 0 {
		t.Errorf("it stands as %+v", s)
	}
	r := w.apply(text + "status: {stableRS: v2, currentPodHash: v2, abort: false}\n")
	if len(r.Changed) > 0 || r.Objects.Rollouts[key("cart")] != first {
		t.Errorf("another status is a change of %s", refs(r.Changed))
	}
	r = w.apply(rollout("argoproj.io", "cart", "cart:3", "") + "status: {stableRS: v2, currentPodHash: v2}\n")
	if s := r.Objects.Rollouts[key("cart")].Status; refs(r.Changed) != "Rollout shop/cart" || s.StableRS != "v1" {
		t.Errorf("changed %s, it stands as %+v", refs(r.Changed), s)
	}
	// Another object of the name stands for itself.
	r = w.apply(rollout("serin.dev", "cart", "cart:4", "") + "status: {stableRS: v9, currentPodHash: v9}\n")
	if s := r.Objects.Rollouts[key("cart")].Status; s.StableRS != "v9" || s.Abort {
		t.Errorf("the one of serin.dev stands as %+v", s)
	}
	w.remove(rollout("serin.dev", "cart", "cart:4", ""))
	w.remove(rollout("argoproj.io", "cart", "cart:3", ""))
	if s := w.apply(text).Objects.Rollouts[key("cart")].Status; s.StableRS != "" {
		t.Errorf("a new one stands as %+v", s)
	}
}
