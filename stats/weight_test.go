package stats

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// at gives a time, in seconds since an arbitrary moment.
func at(seconds float64) time.Time {
	return time.Unix(1_700_000_000, 0).Add(time.Duration(seconds * float64(time.Second)))
}

func TestWeightHistory(t *testing.T) {
	// 5% at 10 s, 30% at 20 s, acknowledged at 22 s; back to 0 at 40 s, not
	// acknowledged by everybody.
	var h WeightHistory
	h.Set(0.05, at(10))
	h.Acked(at(11))
	h.Set(0.30, at(20))
	h.Acked(at(22))
	h.Set(0, at(40))
	settle := Settle.Seconds()
	for _, c := range []struct {
		from, to, want float64
	}{
		{12, 13, 0.05},
		{19, 19.9, 0.05},
		{20, 20, 0.30}, // both may be in force: the larger
		{19, 21, 0.30},
		{22, 22, 0.30},
		{30, 31, 0.30},
		{39, 41, 0.30},
		{41, 42, 0.30}, // 0 is sent and not yet acknowledged
		{1000, 1001, 0.30},
		{5, 6, 0.05}, // before the beginning: the first
		{0, 100, 0.30},
	} {
		if got := h.Largest(at(c.from), at(c.to)); got != c.want {
			t.Errorf("from %v to %v: %v, want %v", c.from, c.to, got, c.want)
		}
	}
	h.Acked(at(45))
	for _, c := range []struct {
		from, to, want float64
	}{
		{45, 50, 0.30}, // workers follow the acknowledgement
		{45 + settle, 50, 0.30},
		{45.001 + settle, 50, 0},
		{44, 50, 0.30},
	} {
		if got := h.Largest(at(c.from), at(c.to)); got != c.want {
			t.Errorf("after the ACK, from %v to %v: %v, want %v", c.from, c.to, got, c.want)
		}
	}
	if got := h.Newest(); got != 0 {
		t.Errorf("newest %v, want 0", got)
	}
}

func TestWeightHistoryEmpty(t *testing.T) {
	var h WeightHistory
	h.Acked(at(1))
	if got := h.Largest(at(0), at(9)); got != 0 || h.Newest() != 0 {
		t.Errorf("an empty history gives %v and %v, want 0", got, h.Newest())
	}
}

// Several weights without an acknowledgement in between all stay possible.
func TestWeightHistoryManyInDoubt(t *testing.T) {
	var h WeightHistory
	for i, w := range []float64{0.1, 0.5, 0.2} {
		h.Set(w, at(float64(i)))
	}
	if got := h.Largest(at(5), at(5)); got != 0.5 {
		t.Errorf("largest %v, want 0.5", got)
	}
	h.Acked(at(6))
	if got := h.Largest(at(7), at(7)); got != 0.2 {
		t.Errorf("largest after the acknowledgement %v, want 0.2", got)
	}
}

// Old weights are forgotten, and still stand for requests that began then.
func TestWeightHistoryPrunes(t *testing.T) {
	var h WeightHistory
	for i := range 1000 {
		h.Set(float64(i%10)/10, at(float64(60*i)))
		h.Acked(at(float64(60*i + 1)))
	}
	if n := len(h.records); n > 15 {
		t.Errorf("%d weights kept, want those of the last %v", n, Remember)
	}
	if got := h.Largest(at(100), at(101)); got != 0.9 {
		t.Errorf("a request of long ago gets %v, want the largest ever, 0.9", got)
	}
}

// The answer is never below the weight that was in force at some Envoy.
func TestWeightHistoryIsNeverTooLow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h WeightHistory
		now := 0.0
		const envoys = 3
		var used [envoys]float64 // the weight each Envoy routes by
		var newest float64
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			now += rapid.Float64Range(0.001, 30).Draw(t, "gap")
			switch rapid.IntRange(0, 3).Draw(t, "event") {
			case 0:
				newest = float64(rapid.IntRange(0, 100).Draw(t, "weight")) / 100
				h.Set(newest, at(now))
				if len(h.records) == 1 {
					used = [envoys]float64{newest, newest, newest}
				}
			case 1:
				used[rapid.IntRange(0, envoys-1).Draw(t, "envoy")] = newest
				if used == [envoys]float64{newest, newest, newest} {
					h.Acked(at(now))
				}
			}
			for i, w := range used {
				if got := h.Largest(at(now), at(now)); got < w {
					t.Fatalf("Envoy %d routes by %v, and the history says at most %v", i, w, got)
				}
			}
		}
	})
}

func ExampleWeightHistory() {
	var h WeightHistory
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	h.Set(0.05, start)
	h.Acked(start.Add(10 * time.Millisecond))
	h.Set(0.20, start.Add(time.Minute)) // no Envoy has acknowledged it yet
	routed := start.Add(time.Minute + time.Millisecond)
	fmt.Println(h.Largest(routed, routed))
	// Output: 0.2
}

// TestSmallestWeight is the same history looked at from the other side.
func TestSmallestWeight(t *testing.T) {
	var h WeightHistory
	if got := h.Smallest(at(0), at(1)); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	h.Set(0.30, at(10))
	h.Acked(at(11))
	h.Set(0.05, at(20))
	h.Acked(at(22))
	h.Set(0.50, at(40))
	for _, c := range []struct{ from, to, want float64 }{
		{12, 13, 0.30},
		{5, 6, 0.30}, // before the beginning: the first
		{20, 20, 0.05},
		{30, 31, 0.05},
		{41, 42, 0.05}, // 0.5 is sent and not yet acknowledged
		{0, 100, 0.05},
	} {
		if got := h.Smallest(at(c.from), at(c.to)); got != c.want {
			t.Errorf("from %v to %v: %v, want %v", c.from, c.to, got, c.want)
		}
	}
	h.Acked(at(45))
	if got := h.Smallest(at(46), at(47)); got != 0.50 {
		t.Errorf("after the ACK: %v, want 0.5", got)
	}
	h.Set(0.60, at(5000)) // 0.3 and 0.05 are forgotten one by one
	h.Acked(at(5001))
	if got := h.Smallest(at(0), at(1)); got != 0.05 {
		t.Errorf("of what was forgotten: %v, want 0.05", got)
	}
}
