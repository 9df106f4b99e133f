package main

import (
	"testing"
	"time"

	"github.com/serin-mesh/serin/rollout"
)

// TestPlayerPromotes: what is measured are whole rollouts, each of which ends
// with its version stable, after as many events as the record says.
func TestPlayerPromotes(t *testing.T) {
	p := &player{step: rollout.Step, now: time.Unix(1, 0)}
	p.play(rollout.SpecSeen{})
	for range 20 {
		p.events = 0
		p.rollout()
		if p.state.Stable != p.spec.Version || p.state.Stage != rollout.Idle {
			t.Fatalf("a rollout of %s ended with %s stable, %s", p.spec.Version, p.state.Stable, p.state.Stage)
		}
		if p.events != eventsThatMove+eventsBetween {
			t.Fatalf("it had %d events", p.events)
		}
	}
}

// TestRunning: the bench of rollouts under way, with few of them and few
// reports.
func TestRunning(t *testing.T) {
	w, err := startMany(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	}()
	const n = 20
	before, err := meshOf(n, "v1")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := meshOf(n, "v2")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.roll(t.Context(), before, objects, n); err != nil {
		t.Fatal(err)
	}
	report := reportOf(3)
	report.Received = report.Received.Add(time.Second) // so that all of it is since the step began
	w.control.Load(report)
	o, err := w.control.Rollout(t.Context(), appOf(3))
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Status.Observed["v2"].Requests; got != 20 {
		t.Errorf("a report of 20 requests counts as %d: %v", got, o.Status.Observed)
	}
	out := newRecord("a test", nil)
	s := out.series("few", "")
	if err := w.abortAll(t.Context(), out, s, objects, n); err != nil {
		t.Fatal(err)
	}
	for _, figure := range []string{"harm_to_all_handed_ms", "abort_all_handed_ms", "abort_all_stored_ms"} {
		if s.median(figure) <= 0 {
			t.Errorf("%s is %g", figure, s.median(figure))
		}
	}
}
