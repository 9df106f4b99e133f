package kube

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/discovery"
)

// divided writes the slices of a set: name, version, and addresses.
func divided(r discovery.Result) string {
	var out []string
	for _, k := range slices.SortedFunc(maps.Keys(r.Objects.EndpointSlices), api.Key.Compare) {
		s := r.Objects.EndpointSlices[k]
		var addresses []string
		for _, e := range s.Endpoints {
			addresses = append(addresses, strings.TrimPrefix(e.Addresses[0], "10.0.0."))
		}
		out = append(out, fmt.Sprintf("%s %s=%s", k.Name, s.Labels["app.kubernetes.io/version"], strings.Join(addresses, ",")))
	}
	return strings.Join(out, "; ")
}

// TestDivided: a slice of Kubernetes' becomes one for each version behind it.
func TestDivided(t *testing.T) {
	w := newWorld(t)
	r := w.apply(podOfVersion("p1", "aa") + "---\n" + podOfVersion("p2", "bb") + "---\n" + sliceOf("cart-x", "cart", "p1", "p2", "p3"))
	expect(t, "slices", divided(r), "cart-x =3; cart-x@aa aa=1; cart-x@bb bb=2")
	s := r.Objects.EndpointSlices[key("cart-x@aa")]
	e := s.Endpoints[0]
	if *e.Zone != "a" || !*e.Conditions.Ready || !*e.Conditions.Serving || *e.Conditions.Terminating || e.NodeName != nil || s.Annotations != nil {
		t.Errorf("kept %+v", s)
	}
	if *s.Ports[0].Port != 8080 || s.Labels["kubernetes.io/service-name"] != "cart" {
		t.Errorf("kept %+v", s)
	}
}

// TestPodLater: what is known of a pod later moves its endpoint, and nothing
// else.
func TestPodLater(t *testing.T) {
	w := newWorld(t)
	w.apply(sliceOf("cart-x", "cart", "p1", "p2") + "---\n" + sliceOf("pay-x", "pay", "p3"))
	r := w.apply(podOfVersion("p1", "aa"))
	expect(t, "slices", divided(r), "cart-x =2; cart-x@aa aa=1; pay-x =3")
	expect(t, "changed", refs(r.Changed), "EndpointSlice shop/cart-x, EndpointSlice shop/cart-x@aa")
	r = w.apply(podOfVersion("p2", "aa"))
	expect(t, "slices", divided(r), "cart-x@aa aa=1,2; pay-x =3")
	expect(t, "changed", refs(r.Changed)+" removed "+refs(r.Removed), "EndpointSlice shop/cart-x@aa removed EndpointSlice shop/cart-x")
	r = w.remove(podOfVersion("p1", "aa"))
	expect(t, "slices", divided(r), "cart-x =1; cart-x@aa aa=2; pay-x =3")
}

// TestUnrelatedPod: a pod of no slice, or that did not change, changes nothing.
func TestUnrelatedPod(t *testing.T) {
	w := newWorld(t)
	first := w.apply(podOfVersion("p1", "aa") + "---\n" + sliceOf("cart-x", "cart", "p1"))
	w.apply(podOfVersion("p1", "aa") + "---\n" + podOfVersion("p9", "zz"))
	if r, news := w.m.result(); news || r.Objects != first.Objects {
		t.Errorf("changed %s", refs(r.Changed))
	}
	if len(w.m.remake) > 0 {
		t.Errorf("%d slices are looked at", len(w.m.remake))
	}
}

// TestAnotherPodOfTheName: a pod that took the name of the one meant says
// nothing of its version.
func TestAnotherPodOfTheName(t *testing.T) {
	w := newWorld(t)
	r := w.apply(replaceOnce(podOfVersion("p1", "aa"), "uid-p1", "uid-other") + "---\n" + sliceOf("cart-x", "cart", "p1"))
	expect(t, "slices", divided(r), "cart-x =1")
}

// TestSliceGoes: what was made of a slice goes with it, and so does what is kept
// of its pods.
func TestSliceGoes(t *testing.T) {
	w := newWorld(t)
	text := sliceOf("cart-x", "cart", "p1", "p2")
	w.apply(podOfVersion("p1", "aa") + "---\n" + text)
	r := w.remove(text)
	expect(t, "removed", refs(r.Removed), "EndpointSlice shop/cart-x, EndpointSlice shop/cart-x@aa")
	if len(w.m.onPod)+len(w.m.slices) > 0 {
		t.Errorf("kept %v, %v", w.m.onPod, w.m.slices)
	}
}

// TestSlicesOfOthers: slices without a Service, and those of host names, are
// left alone.
func TestSlicesOfOthers(t *testing.T) {
	w := newWorld(t)
	r := w.apply(replaceOnce(sliceOf("xx", "cart", "p1"), "kubernetes.io/service-name: cart, ", "") + "---\n" +
		replaceOnce(sliceOf("yy", "cart", "p1"), "addressType: IPv4", "addressType: FQDN"))
	if len(r.Findings)+len(r.Objects.EndpointSlices) > 0 {
		t.Errorf("slices %s, found %s", divided(r), told(r))
	}
}

// TestSliceCopiesAlternate: the map of slices that was given out last is not
// changed until the next one is out.
func TestSliceCopiesAlternate(t *testing.T) {
	w := newWorld(t)
	first := w.apply(sliceOf("a", "cart", "p1"))
	second := w.apply(sliceOf("b", "cart", "p1"))
	expect(t, "first", divided(first), "a =1")
	third := w.apply(sliceOf("c", "cart", "p1"))
	expect(t, "second", divided(second), "a =1; b =1")
	expect(t, "third", divided(third), "a =1; b =1; c =1")
	fourth := w.remove(sliceOf("a", "cart"))
	expect(t, "third", divided(third), "a =1; b =1; c =1")
	expect(t, "fourth", divided(fourth), "b =1; c =1")
}
