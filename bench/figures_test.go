package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/snapshot"
)

// after gives an instant some milliseconds after a fixed one.
func after(millis float64) time.Time {
	return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(millis * float64(time.Millisecond)))
}

func TestReactionFigures(t *testing.T) {
	bad := []time.Time{after(1), after(6), after(12), after(13)}
	for _, c := range []struct {
		name    string
		last    time.Time
		decided uint64
		want    figures
	}{
		{"two more after the third decided", after(14), 3, figures{
			"last_request_ms": 13, "acked_ms": 19, "floor_ms": 11, "after_decision_ms": 2, "decision_acked_ms": 8,
			"failed_responses": 4, "failed_at_client": 5, "deciding_failure": 3,
		}},
		{"the deciding one was the last, and came before it was answered", after(12.5), 4, figures{
			"last_request_ms": 11.5, "acked_ms": 19, "floor_ms": 12, "after_decision_ms": 0, "decision_acked_ms": 7,
			"failed_responses": 4, "failed_at_client": 5, "deciding_failure": 4,
		}},
	} {
		got, err := reactionFigures(bad, c.last, after(20), c.decided, 5)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.name, diff)
		}
	}
	for _, decided := range []uint64{0, 5} {
		if _, err := reactionFigures(bad, after(14), after(20), decided, 5); err == nil {
			t.Errorf("a decision on failure %d of 4 is no error", decided)
		}
	}
}

func TestHangingFigures(t *testing.T) {
	hung := []time.Time{after(1), after(6), after(12), after(220)}
	got, err := hangingFigures(hung, after(220), after(225), 3, 0)
	want := figures{
		"last_request_ms": 219, "acked_ms": 224, "floor_ms": 211, "after_decision_ms": 8, "decision_acked_ms": 13,
		"hung_requests": 4, "failed_at_client": 0, "deciding_request": 3,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v; -want +got\n%s", err, diff)
	}
	for _, decided := range []uint64{0, 5} {
		if _, err := hangingFigures(hung, after(14), after(20), decided, 0); err == nil {
			t.Errorf("a decision on request %d of 4 is no error", decided)
		}
	}
}

func TestSwapFigures(t *testing.T) {
	lost := swapFigures(lab.Counts{Tally: lab.Tally{Requests: 100, Failed: 3}}, 4*time.Millisecond)
	if diff := cmp.Diff(figures{"failed": 3, "requests": 100, "lost_some": 1, "swap_ms": 4}, lost); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	late := swapFigures(lab.Counts{Tally: lab.Tally{Requests: 100}}, 0)
	if diff := cmp.Diff(figures{"failed": 0, "requests": 100, "lost_some": 0}, late); diff != "" {
		t.Errorf("what came after the last swap: -want +got\n%s", diff)
	}
}

// TestJudgements: each bench's goals are those of the design, and hold or fail
// by the medians.
func TestJudgements(t *testing.T) {
	run := func(f figures) *series { return &series{Runs: []figures{f}} }
	for _, c := range []struct {
		name  string
		judge func(*record)
		want  []bool
	}{
		{"reaction", func(r *record) {
			r.judgeReaction(run(figures{"last_request_ms": 41, "floor_ms": 30, "failed_responses": 8, "after_decision_ms": 3}))
		}, []bool{false, true, true}},
		{"hanging", func(r *record) {
			r.judgeHanging(run(figures{"last_request_ms": 260, "floor_ms": 240, "failed_at_client": 1}))
		}, []bool{true, false}},
		{"abort", func(r *record) {
			r.judgeAbort(run(figures{"acked_ms": 9}), run(figures{"acked_ms": 1}), 1)
		}, []bool{true, false}},
		{"swap", func(r *record) {
			r.judgeSwaps(run(figures{"failed": 0}), run(figures{"failed": 2, "lost_some": 1}))
		}, []bool{true}},
		{"streams", func(r *record) {
			r.judgeStreams(10, run(figures{"counted_ms": 14, "memory_bytes": 30_000}),
				run(figures{"counted_ms": 10, "memory_bytes": 10_000}), run(figures{"counted_ms": 20}))
		}, []bool{false, true}},
		{"weights", func(r *record) {
			small, large := run(figures{"seen_ms": 2, "wire_ms": 1, "bytes_sent": 300}), run(figures{"seen_ms": 3, "wire_ms": 2, "bytes_sent": 300})
			r.judgeWeights([]int{10, 10_000}, []*series{small, large}, []*series{small, large})
		}, []bool{true, false, true}},
	} {
		r := newRecord("", nil)
		c.judge(r)
		var got []bool
		for _, g := range r.Goals {
			got = append(got, g.Met)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: goals met: -want +got\n%s", c.name, diff)
		}
		if len(r.Ratios) == 0 {
			t.Errorf("%s: nothing is compared", c.name)
		}
	}
}

func TestOnWire(t *testing.T) {
	sent, acked := after(1), after(3)
	e := api.Envoy{ID: "edge-1", Types: map[string]api.TypeStatus{
		"runtime": {SentAt: &sent, AckedAt: &acked}, "routes": {SentAt: &sent},
	}}
	if got, err := onWire(e, snapshot.Runtime); err != nil || got != 2*time.Millisecond {
		t.Errorf("runtime: %v, %v", got, err)
	}
	for _, missing := range []snapshot.Type{snapshot.Route, snapshot.Cluster} {
		if _, err := onWire(e, missing); err == nil {
			t.Errorf("%s was never acknowledged, and that is no error", missing)
		}
	}
}

func TestPick(t *testing.T) {
	for size, want := range []int{1, 2, 3} {
		if got := (&machine{size: size}).pick(1, 2, 3); got != want {
			t.Errorf("size %d picks %d, want %d", size, got, want)
		}
	}
}
