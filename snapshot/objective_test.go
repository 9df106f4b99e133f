package snapshot

import (
	"testing"
	"time"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
)

// logTypes lists the log types that a filter asks for, each with whether it
// excludes them.
func logTypes(f *accesslogv3.AccessLogFilter) []bool {
	var out []bool
	for _, sub := range f.GetAndFilter().GetFilters() {
		out = append(out, logTypes(sub)...)
	}
	for _, sub := range f.GetOrFilter().GetFilters() {
		out = append(out, logTypes(sub)...)
	}
	if l := f.GetLogTypeFilter(); l != nil {
		out = append(out, l.GetExclude())
	}
	return out
}

// TestListenersTellOfSlowRequests: from the shortest objective of the Services
// they lead to; without one they are as before.
func TestListenersTellOfSlowRequests(t *testing.T) {
	b := build(t, shopYAML)
	check := func(when string, flush time.Duration) {
		t.Helper()
		m := manager(t, get(t, b, edge, Listener, "default/edge/10000"))
		if got := m.GetAccessLogOptions().GetAccessLogFlushInterval().AsDuration(); got != flush {
			t.Errorf("%s: flushed every %s, want %s", when, got, flush)
		}
		if n, want := len(logTypes(m.GetAccessLog()[0].GetFilter())), map[bool]int{true: 2}[flush > 0]; n != want {
			t.Errorf("%s: %d filters by log type, want %d", when, n, want)
		}
	}
	check("at first", 0)
	b.Flush()
	b.SetObjective(shop, 250*time.Millisecond)
	check("with an objective", 250*time.Millisecond)
	if c := b.Flush()[edge]; len(c.Set) != 1 || c.Set[0].Type != Listener {
		t.Errorf("it changed %+v, want the listener alone", c)
	}
	b.SetObjective(shop, 250*time.Millisecond)
	if c := b.Flush(); len(c) != 0 {
		t.Errorf("the same objective changed %+v", c)
	}
	b.SetObjective(shop, time.Millisecond)
	check("with one that is too short", 10*time.Millisecond)
	b.SetObjective(key("nowhere"), time.Microsecond)
	check("of a Service that nobody routes to", 10*time.Millisecond)
	b.SetSplit(shop, &Split{Stable: "v1", Canary: "v2"})
	b.SetObjects(parse(t, shopYAML))
	check("after other changes", 10*time.Millisecond)
	b.SetObjective(shop, 0)
	check("without one again", 0)
}
