package control

import (
	"container/heap"
	"time"
)

// timers says which rollout wants to be told of time, and when. A rollout has
// at most one timer that counts: its field wake; older ones are passed over.
type timers struct{ heap timerHeap }

type timer struct {
	at time.Time
	of *canary
}

// set makes the rollout's timer go off at an instant; zero: never.
func (t *timers) set(c *canary, at time.Time) {
	if c.wake.Equal(at) {
		return
	}
	c.wake = at
	if !at.IsZero() {
		heap.Push(&t.heap, timer{at, c})
	}
}

// due takes out the rollouts whose timers are over.
func (t *timers) due(now time.Time) []*canary {
	var out []*canary
	for len(t.heap) > 0 && !t.heap[0].at.After(now) {
		tm := heap.Pop(&t.heap).(timer)
		if tm.of.wake.Equal(tm.at) {
			tm.of.wake = time.Time{}
			out = append(out, tm.of)
		}
	}
	return out
}

// first gives the earliest timer that counts; zero where there is none.
func (t *timers) first() time.Time {
	for len(t.heap) > 0 {
		if tm := t.heap[0]; tm.of.wake.Equal(tm.at) {
			return tm.at
		}
		heap.Pop(&t.heap)
	}
	return time.Time{}
}

type timerHeap []timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
