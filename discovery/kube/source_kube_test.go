//go:build kube

package kube

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/serin-mesh/serin/api"
)

// TestCluster: a cluster without a single kind of ours is read; kinds appear; the
// API server goes away and comes back, and nothing is taken for gone.
func TestCluster(t *testing.T) {
	l := newLab(t)
	first := l.run(Options{Look: 200 * time.Millisecond, AdoptArgo: true})
	if first.Objects.Services[api.Key{Namespace: "default", Name: "kubernetes"}] == nil {
		t.Errorf("the first set lacks the API server's own Service: %s", refs(first.Changed))
	}
	l.must(l.cluster.Apply(l.ctx, crd("serin.dev", "rollouts", "Rollout"), crd("argoproj.io", "rollouts", "Rollout")))
	l.must(l.cluster.WaitCRD(l.ctx, "rollouts.serin.dev"))
	l.must(l.cluster.WaitCRD(l.ctx, "rollouts.argoproj.io"))
	l.must(l.cluster.Apply(l.ctx, service("cart"), rollout("serin.dev", "cart", "cart:1", ""),
		rollout("argoproj.io", "pay", "pay:1", ""), reference("ship", "d"),
		"{apiVersion: apps/v1, kind: Deployment, metadata: {namespace: shop, name: d}, spec: {replicas: 0, selector: {matchLabels: {app: x}}, "+
			"template: {metadata: {labels: {app: x}}, spec: {containers: [{name: main, image: x}]}}}}"))
	l.until("the Rollouts", func(o *api.Objects) bool {
		return o.Services[key("cart")] != nil && o.Rollouts[key("cart")] != nil && o.Rollouts[key("pay")] != nil && o.Rollouts[key("ship")] != nil
	})
	l.pods(1, 3, "5b677b4c6f")
	l.until("the slice of a version", func(o *api.Objects) bool {
		s := o.EndpointSlices[key("s0@5b677b4c6f")]
		return s != nil && len(s.Endpoints) == 3
	})

	for range 2 {
		l.must(l.cluster.StopAPIServer())
		l.must(l.cluster.StartAPIServer(l.ctx))
	}
	l.must(l.cluster.Apply(l.ctx, service("after"), rollout("serin.dev", "after", "after:1", "")))
	l.until("what was made after it", func(o *api.Objects) bool {
		return o.Services[key("after")] != nil && o.Rollouts[key("after")] != nil
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ref := range l.removed {
		if ref.Kind != kindEndpointSlice || ref.Key.Namespace != "shop" { // s0 was divided when its pods were known
			t.Errorf("removed %s", refs([]api.Ref{ref}))
		}
	}
	if slices.Contains(l.removed, api.Ref{Kind: kindEndpointSlice, Key: key("s0@5b677b4c6f")}) {
		t.Error("the slice of a version was removed")
	}
}

// TestMemory: what is kept of 10,000 pods in 1,000 slices.
func TestMemory(t *testing.T) {
	const slices, each = 1000, 10
	l := newLab(t)
	l.must(l.cluster.StopControllerManager()) // nobody is to run the pods, or look after them
	l.pods(slices, each, "5b677b4c6f")
	before := heap()
	began := time.Now()
	first := l.run(Options{})
	took := time.Since(began)
	after := heap()
	if n := len(first.Objects.EndpointSlices); n < slices {
		t.Errorf("%d slices", n)
	}
	kept := float64(after-before) / (1 << 20)
	t.Logf("%d pods in %d slices: read in %v, %.1f MB kept, %.0f B a pod", slices*each, slices, took.Round(time.Millisecond), kept, float64(after-before)/(slices*each))
	const most = 25
	if kept > most {
		t.Errorf("%.1f MB are kept, %d are allowed", kept, most)
	}
	runtime.KeepAlive(first)
}

// heap gives the bytes in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
