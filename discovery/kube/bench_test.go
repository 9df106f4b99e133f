package kube

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
)

// BenchmarkOneSlice measures what the change of one EndpointSlice costs among
// many Services, from the object of the API to the Result.
func BenchmarkOneSlice(b *testing.B) {
	for _, n := range []int{10, 100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) { benchmarkOne(b, n) })
	}
}

func benchmarkOne(b *testing.B, n int) {
	change := oneSlice(b, n)
	b.ReportAllocs()
	before := processor()
	for b.Loop() {
		change()
	}
	b.ReportMetric(float64(processor()-before)/float64(b.N), "cpu-ns/op")
}

// processor gives the processor time of this process, in nanoseconds: what a
// machine with other work says of time is mostly about that.
func processor() int64 {
	var use syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &use) // no error for oneself
	return use.Utime.Nano() + use.Stime.Nano()
}

// oneSlice gives what changes one slice among those of n Services.
func oneSlice(t testing.TB, n int) (change func()) {
	m := newModel()
	now, next := objects(t, sliceOf("s0", "s0", "p1", "p2"))[0], objects(t, sliceOf("s0", "s0", "p1"))[0]
	tell(t, m, objects(t, podOfVersion("p1", "aa"))[0], false)
	for i := range n {
		name := fmt.Sprint("s", i)
		svc, ep := objects(t, service(name))[0], objects(t, sliceOf(name, name, fmt.Sprint("p", i, "-1")))[0]
		tell(t, m, svc, false)
		tell(t, m, ep, false)
	}
	m.settle()
	m.result()
	w := reader(now)
	return func() {
		now, next = next, now
		item, err := w.read(now.DeepCopy())
		if err != nil {
			t.Fatal(err)
		}
		m.see(w.name(keyOf(now)), item)
		m.settle()
		if r, _ := m.result(); len(r.Changed)+len(r.Removed) == 0 {
			t.Fatal("nothing changed")
		}
	}
}

// TestOneSliceCost: the memory that the change of a slice takes does not grow
// with the Services beside it. A copy of the map of 10,000 would take 500 kB.
func TestOneSliceCost(t *testing.T) {
	cost := func(n int) uint64 {
		change := oneSlice(t, n)
		change() // the second map of slices is made
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		const runs = 50
		for range runs {
			change()
		}
		runtime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) / runs
	}
	if few, many := cost(10), cost(3_000); many > few*3/2 {
		t.Errorf("%d B among 10 Services, %d B among 3,000", few, many)
	}
}
