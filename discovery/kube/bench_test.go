package kube

import (
	"fmt"
	"testing"

	"github.com/serin-mesh/serin/discovery"
)

// BenchmarkOneSlice measures what the change of one EndpointSlice costs among
// many Services, from the object of the API to the Result.
func BenchmarkOneSlice(b *testing.B) {
	for _, n := range []int{10, 100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) { benchmarkOne(b, n) })
	}
}

func benchmarkOne(b *testing.B, n int) {
	m := newModel()
	one, other := objects(b, sliceOf("s0", "s0", "p1", "p2"))[0], objects(b, sliceOf("s0", "s0", "p1"))[0]
	tell(b, m, objects(b, podOfVersion("p1", "aa"))[0], false)
	svc, ep := objects(b, service("s0"))[0], one.DeepCopy()
	for i := range n {
		svc.SetName(fmt.Sprint("s", i))
		ep.SetName(svc.GetName())
		tell(b, m, svc, false)
		tell(b, m, ep, false)
	}
	settle := func() discovery.Result {
		m.settle()
		r, _ := m.result()
		return r
	}
	settle()
	tell(b, m, other, false)
	settle() // the second map of slices is made
	w := reader(one)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		u := one
		if i%2 == 1 {
			u = other
		}
		item, err := w.read(u.DeepCopy())
		if err != nil {
			b.Fatal(err)
		}
		m.see(w.name(keyOf(u)), item)
		if r := settle(); len(r.Changed)+len(r.Removed) == 0 {
			b.Fatal("nothing changed")
		}
	}
}

// TestOneSliceCost: the memory that the change of a slice takes does not grow
// with the Services beside it. A copy of the map of 10,000 would be 500 kB.
func TestOneSliceCost(t *testing.T) {
	cost := func(n int) int64 {
		return testing.Benchmark(func(b *testing.B) { benchmarkOne(b, n) }).AllocedBytesPerOp()
	}
	if few, many := cost(10), cost(10_000); many > few*11/10 {
		t.Errorf("%d B among 10 Services, %d B among 10,000", few, many)
	}
}
