package stats

import (
	"testing"
	"time"
)

func TestFilterRepeated(t *testing.T) {
	f := Failure{Cluster: "d/s/80/v2", Host: "a", Start: at(1), Duration: time.Millisecond, Status: 500}
	later := f
	later.Start = at(1).Add(1)
	other := f
	other.Host = "b"
	unknown := f
	unknown.Start = time.Time{}

	l := NewFilter()
	for i, c := range []struct {
		node    string
		failure Failure
		want    bool
	}{
		{"n1", f, false}, {"n1", f, true}, {"n2", f, false}, {"n1", later, false},
		{"n1", other, false}, {"n1", f, true}, {"n1", unknown, false}, {"n1", unknown, false},
	} {
		if got := l.Repeated(c.node, c.failure); got != c.want {
			t.Errorf("entry %d: repeated %t, want %t", i, got, c.want)
		}
	}
}

// The filter forgets the oldest entries first and stays bounded.
func TestFilterIsBounded(t *testing.T) {
	entry := func(i int) Failure { return Failure{Cluster: "d/s/80/v2", Start: at(1).Add(time.Duration(i))} }
	l := NewFilter()
	const sent = 3 * filterRoom
	for i := range sent {
		if l.Repeated("n", entry(i)) {
			t.Fatalf("entry %d is taken for a repetition", i)
		}
	}
	if n := len(l.entries.at); n != filterRoom {
		t.Errorf("%d entries remembered, want %d", n, filterRoom)
	}
	if !l.Repeated("n", entry(sent-1)) || !l.Repeated("n", entry(sent-filterRoom)) {
		t.Error("a recent entry is forgotten")
	}
	if l.Repeated("n", entry(0)) {
		t.Error("the first entry is still remembered")
	}
}

func TestFilterSameConnection(t *testing.T) {
	lost := Failure{
		Cluster: "d/s/80/v2", Host: "10.0.0.1:80", Connection: "10.0.0.9:4711",
		Start: at(1), Duration: 50 * time.Millisecond, Flags: Flags{ConnectionEnded: true},
	}
	with := func(edit func(*Failure)) Failure {
		f := lost
		edit(&f)
		return f
	}
	l := NewFilter()
	for _, c := range []struct {
		name    string
		node    string
		failure Failure
		want    bool
	}{
		{"first of a connection", "n1", lost, false},
		{"second, begun later", "n1", with(func(f *Failure) { f.Start, f.Duration = at(1.02), 30*time.Millisecond }), true},
		{"third, ended a little before", "n1", with(func(f *Failure) { f.Duration = 49 * time.Millisecond }), true},
		{"another connection", "n1", with(func(f *Failure) { f.Connection = "10.0.0.9:4712" }), false},
		{"the same port of another Envoy", "n2", lost, false},
		{"the port used again", "n1", with(func(f *Failure) { f.Start = at(60) }), false},
		{"a plain failure", "n1", with(func(f *Failure) { f.Flags = Flags{} }), false},
		{"a reset of one stream", "n1", with(func(f *Failure) { f.Flags = Flags{UpstreamReset: true} }), false},
		{"connection unknown", "n1", with(func(f *Failure) { f.Connection = "" }), false},
		{"connection unknown again", "n1", with(func(f *Failure) { f.Connection = "" }), false},
	} {
		if got := l.SameConnection(c.node, c.failure); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
}

// TestTook: a request that still runs is told of again and again.
func TestTook(t *testing.T) {
	l := NewFilter()
	f := Failure{Cluster: v1, Host: "h", Start: at(1), Running: true, Duration: time.Second, ID: "x"}
	for n := range 3 {
		if got, want := l.Took("a", f), time.Duration(n+1)*time.Second; got != want {
			t.Errorf("entry %d: %s, want %s", n, got, want)
		}
	}
	other := f
	other.ID = "y"
	if l.Took("a", other) != time.Second || l.Took("b", f) != time.Second {
		t.Error("another request, or another Envoy's, is the same")
	}
	for i := range runningRoom {
		other.Start = at(float64(10 + i))
		l.Took("a", other)
	}
	if got := l.Took("a", f); got != time.Second || len(l.running.at) != runningRoom {
		t.Errorf("after many others %s, and %d are remembered", got, len(l.running.at))
	}
}
