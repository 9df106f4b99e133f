package kube

import (
	"testing"

	"github.com/serin-mesh/serin/api"
)

// TestVersionIsTheHash: the version is the hash of the pod template, and the
// label is for people.
func TestVersionIsTheHash(t *testing.T) {
	w := newWorld(t)
	r := w.apply(rollout("serin.dev", "cart", "cart:1", "")).Objects.Rollouts[key("cart")]
	want, err := api.PodTemplateHash(r.Spec.Template, nil)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "version", r.Version(), want)
	if again := w.apply(rollout("serin.dev", "cart", "cart:2", "")).Objects.Rollouts[key("cart")]; again.Version() == want {
		t.Errorf("another image is still %s", want)
	}
}

// TestCollisions: status.collisionCount is part of the version.
func TestCollisions(t *testing.T) {
	w := newWorld(t)
	before := w.apply(rollout("serin.dev", "cart", "cart:1", "")).Objects.Rollouts[key("cart")]
	after := w.apply(rollout("serin.dev", "cart", "cart:1", "") + "status: {collisionCount: 1}\n").Objects.Rollouts[key("cart")]
	if before.Version() == after.Version() {
		t.Errorf("the version is %s with and without a collision", after.Version())
	}
}

// TestStatusIsNoChange: what a controller writes about an object is no change of
// it.
func TestStatusIsNoChange(t *testing.T) {
	w := newWorld(t)
	text := rollout("serin.dev", "cart", "cart:1", "")
	first := w.apply(text)
	u := objects(t, text+"status: {phase: Healthy}\n")[0]
	u.SetResourceVersion("7")
	tell(t, w.m, u, false)
	w.m.settle()
	r, news := w.m.result()
	if news || r.Objects != first.Objects || len(r.Changed)+len(r.Removed) > 0 {
		t.Errorf("news %v: changed %s, removed %s", news, refs(r.Changed), refs(r.Removed))
	}
}

// TestBrokenStaysAsItWas: an error refuses its own object and nothing else.
func TestBrokenStaysAsItWas(t *testing.T) {
	w := newWorld(t)
	good := w.apply(rollout("serin.dev", "cart", "cart:1", "") + "---\n" + service("cart")).Objects.Rollouts[key("cart")]
	r := w.apply(rollout("serin.dev", "cart", "cart:2", "steps: [{setWeight: 200}]") + "---\n" + service("pay") +
		"---\n" + rollout("serin.dev", "pay", "pay:1", "steps: [{setWeight: 300}]"))
	expect(t, "changed", refs(r.Changed), "Service shop/pay")
	if r.Objects.Rollouts[key("cart")] != good || r.Objects.Rollouts[key("pay")] != nil {
		t.Error("an object with an error is in the set")
	}
	for _, f := range r.Findings {
		if f.IsError() && f.Code != api.CodeWeight {
			t.Errorf("unexpected %s", f)
		}
	}
	expect(t, "first finding", r.Findings[0].String()[:80],
		"rollout.serin.dev shop/cart: E205 spec.strategy.canary.steps[0].setWeight: the w"[:80])
	r = w.apply(rollout("serin.dev", "cart", "cart:2", "steps: [{setWeight: 20}]"))
	expect(t, "changed", refs(r.Changed), "Rollout shop/cart")
	if r = w.remove(rollout("serin.dev", "cart", "cart:2", "")); refs(r.Removed) != "Rollout shop/cart" {
		t.Errorf("removed %s", refs(r.Removed))
	}
}

// TestSerinCounts: of two Rollouts of one name that of serin.dev counts.
func TestSerinCounts(t *testing.T) {
	w := newWorld(t)
	argo, own := rollout("argoproj.io", "cart", "cart:1", ""), rollout("serin.dev", "cart", "cart:2", "")
	w.apply(service("cart") + "---\n" + argo)
	r := w.apply(own)
	expect(t, "image", string(r.Objects.Rollouts[key("cart")].Spec.Template.Spec), `{"containers":[{"image":"cart:2","name":"main"}]}`)
	if r.Findings[0].Code != api.CodeTwice || r.Findings[0].File != "rollout.argoproj.io shop/cart" {
		t.Errorf("findings: %s", told(r))
	}
	r = w.remove(own)
	expect(t, "image", string(r.Objects.Rollouts[key("cart")].Spec.Template.Spec), `{"containers":[{"image":"cart:1","name":"main"}]}`)
	for _, f := range r.Findings {
		if f.Code == api.CodeTwice {
			t.Errorf("still %s", f)
		}
	}
}

// TestBlueGreenIsLeftAlone: a blue-green Rollout of Argo's is neither in the set
// nor said anything of; one of Serin's is an error.
func TestBlueGreenIsLeftAlone(t *testing.T) {
	blue := head("argoproj.io/v1alpha1", "Rollout", "cart") + "spec: {strategy: {blueGreen: {activeService: cart}}}\n"
	w := newWorld(t)
	if r := w.apply(blue); len(r.Findings)+len(r.Objects.Rollouts) > 0 {
		t.Errorf("found %s", told(r))
	}
	w.apply(rollout("argoproj.io", "cart", "cart:1", ""))
	if r := w.apply(blue); refs(r.Removed) != "Rollout shop/cart" || len(r.Findings) > 0 {
		t.Errorf("removed %q, found %s", refs(r.Removed), told(r))
	}
	if r := w.apply(head("serin.dev/v1alpha1", "Rollout", "pay") + "spec: {strategy: {blueGreen: {}}}\n"); r.Findings[0].Code != api.CodeBlueGreen {
		t.Errorf("found %s", told(r))
	}
}

// aged gives a Rollout a time of creation.
func aged(text, name, second string) string {
	old := "metadata: {namespace: shop, name: " + name + "}"
	return replaceOnce(text, old, old[:len(old)-1]+`, creationTimestamp: "2026-01-01T00:00:`+second+`Z"}`)
}

// TestOneRolloutAService: the Rollout created first has a Service; the other
// stays as it was while that does no harm.
func TestOneRolloutAService(t *testing.T) {
	w := newWorld(t)
	a := func(canary string) string { return aged(rollout("serin.dev", "a", "a:1", canary), "a", "01") }
	b := func(canary string) string { return aged(rollout("serin.dev", "b", "b:1", canary), "b", "02") }
	w.apply(a("stableService: one") + "---\n" + b("stableService: two"))
	r := w.apply(b("stableService: one"))
	if len(r.Changed)+len(r.Removed) > 0 {
		t.Errorf("changed %s, removed %s", refs(r.Changed), refs(r.Removed))
	}
	expect(t, "found", r.Findings[0].String(), "rollout.serin.dev shop/a: W421 metadata.name: there is no Service shop/one; add it, or name another in stableService")
	expect(t, "found", r.Findings[1].String(),
		"rollout.serin.dev shop/b: E402 spec.strategy.canary.stableService: the Service shop/one already belongs to Rollout shop/a; a Service has one Rollout")
	// The older one wants what the other is held on.
	r = w.apply(a("stableService: two"))
	expect(t, "changed", refs(r.Changed), "Rollout shop/a, Rollout shop/b")
	expect(t, "b's", r.Objects.Rollouts[key("b")].StableService().Name, "one")
	r = w.apply(a("stableService: two, canaryService: one"))
	expect(t, "changed", refs(r.Changed)+" removed "+refs(r.Removed), "Rollout shop/a removed Rollout shop/b")
}

// TestBrokenKeepsItsService: an error in a Rollout does not give its Service to
// another one.
func TestBrokenKeepsItsService(t *testing.T) {
	w := newWorld(t)
	w.apply(aged(rollout("serin.dev", "a", "a:1", "stableService: one"), "a", "01") + "---\n" +
		aged(rollout("serin.dev", "b", "b:1", "stableService: one"), "b", "02"))
	r := w.apply(aged(rollout("serin.dev", "a", "a:2", "stableService: one, steps: [{setWeight: 200}]"), "a", "01"))
	if len(r.Changed)+len(r.Removed) > 0 || r.Objects.Rollouts[key("a")] == nil {
		t.Errorf("changed %s, removed %s", refs(r.Changed), refs(r.Removed))
	}
	r = w.remove(rollout("serin.dev", "a", "a:1", ""))
	expect(t, "changed", refs(r.Changed)+" removed "+refs(r.Removed), "Rollout shop/b removed Rollout shop/a")
}
