package kube

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// services gives Services in a resource version.
func services(t *testing.T, rv string, names ...string) (out []any) {
	t.Helper()
	for _, n := range names {
		u := objects(t, service(n))[0]
		u.SetResourceVersion(rv)
		out = append(out, u)
	}
	return out
}

// events gives how many objects a watch has told of, and how many are gone.
func events(w *watch) (changed, gone int) {
	all, _ := w.inbox.take()
	for _, e := range all {
		if e.item == nil {
			gone++
		} else {
			changed++
		}
	}
	return changed, gone
}

// TestListAgain: a list after an outage tells only of what differs, and does not
// read what it knows.
func TestListAgain(t *testing.T) {
	w := reader(objects(t, service("a"))[0])
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.Replace(services(t, "1", "aa", "bb", "cc"), "1"))
	if changed, gone := events(w); changed != 3 || gone != 0 {
		t.Errorf("%d changed, %d gone", changed, gone)
	}
	list := append(services(t, "1", "aa"), services(t, "2", "bb")...)
	must(w.Replace(list, "2"))
	if changed, gone := events(w); changed != 1 || gone != 1 {
		t.Errorf("%d changed, %d gone", changed, gone)
	}
	again := services(t, "1", "aa")[0]
	if i, err := w.Transformer()(again); err != nil || i.(*item).doc.Object != nil {
		t.Errorf("a Service that is known was read again: %v, %v", i, err)
	}
	must(w.Delete(again))
	must(w.Delete(again))
	if changed, gone := events(w); changed != 0 || gone != 1 {
		t.Errorf("%d changed, %d gone", changed, gone)
	}
}

// TestOddObject: an object that does not fit its type is a finding, and holds up
// no other.
func TestOddObject(t *testing.T) {
	u := objects(t, service("aa"))[0]
	if err := unstructured.SetNestedField(u.Object, "text", "spec", "ports"); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	tell(t, w.m, u, false)
	r := w.settle()
	expect(t, "found", told(r), "service shop/aa: E104 a field has a value of another type than Serin knows; it is not shown")
}
