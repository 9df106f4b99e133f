package stats

import "time"

const (
	// Settle is how long after an Envoy's ACK its workers may still use the
	// weight before. An idle Envoy needs under a millisecond.
	Settle = 20 * time.Millisecond
	// Remember is how long an ended weight is kept apart. Requests that began
	// earlier get the largest of the weights that were forgotten.
	Remember = 10 * time.Minute
)

// WeightHistory knows which canary weights may have been in force when: the canary's
// part of what it and the stable version had together. A
// weight may be in force from when it is sent until every Envoy has
// acknowledged a later one. The zero value is an empty history.
type WeightHistory struct {
	records   []weightRecord // oldest first; all but the newest may have ended
	forgotten float64        // the largest weight of the records that were dropped
	dropped   bool           // there are some
	least     float64        // the smallest weight of these
}

// weightRecord is one weight.
type weightRecord struct {
	weight float64
	sent   time.Time
	ended  time.Time // zero: it may still be in force
}

// Set notes that a new weight (0 to 1) goes out at the time at, which is not
// before that of any earlier call.
func (h *WeightHistory) Set(weight float64, at time.Time) {
	h.prune(at)
	h.records = append(h.records, weightRecord{weight: weight, sent: at})
}

// Acked notes that at the time at every Envoy has acknowledged the newest
// weight: those before it end. While an Envoy that may still send requests has
// not acknowledged, quarantined ones included, it must not be called.
func (h *WeightHistory) Acked(at time.Time) {
	for i := range len(h.records) - 1 {
		if r := &h.records[i]; r.ended.IsZero() {
			r.ended = at.Add(Settle)
		}
	}
	h.prune(at)
}

// Largest gives the largest weight that may have been in force for a request
// that was routed between from and to, both included; 0 for an empty history.
// A time before the history began belongs to its first weight.
func (h *WeightHistory) Largest(from, to time.Time) float64 {
	if len(h.records) == 0 {
		return h.forgotten
	}
	var largest float64
	if from.Before(h.records[0].sent) {
		largest = max(h.forgotten, h.records[0].weight)
	}
	for _, r := range h.records {
		if !r.sent.After(to) && (r.ended.IsZero() || !r.ended.Before(from)) {
			largest = max(largest, r.weight)
		}
	}
	return largest
}

// Smallest is Largest for the smallest weight.
func (h *WeightHistory) Smallest(from, to time.Time) float64 {
	smallest, found := 1.0, false
	add := func(w float64) { smallest, found = min(smallest, w), true }
	if len(h.records) > 0 && from.Before(h.records[0].sent) {
		add(h.records[0].weight)
	}
	if h.dropped && (len(h.records) == 0 || from.Before(h.records[0].sent)) {
		add(h.least)
	}
	for _, r := range h.records {
		if !r.sent.After(to) && (r.ended.IsZero() || !r.ended.Before(from)) {
			add(r.weight)
		}
	}
	if !found {
		return 0
	}
	return smallest
}

// Newest gives the weight last sent, 0 for an empty history.
func (h *WeightHistory) Newest() float64 {
	if len(h.records) == 0 {
		return 0
	}
	return h.records[len(h.records)-1].weight
}

// prune forgets the weights at the beginning that ended long before now.
func (h *WeightHistory) prune(now time.Time) {
	n := 0
	for n < len(h.records) && !h.records[n].ended.IsZero() && h.records[n].ended.Before(now.Add(-Remember)) {
		w := h.records[n].weight
		if h.forgotten = max(h.forgotten, w); !h.dropped || w < h.least {
			h.least, h.dropped = w, true
		}
		n++
	}
	h.records = h.records[:copy(h.records, h.records[n:])]
}
