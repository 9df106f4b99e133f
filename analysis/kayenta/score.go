package kayenta

import (
	"maps"
	"math"
	"slices"
)

// scored is what a metric brings to the score.
type scored struct {
	class    Class
	groups   []string
	critical bool
}

// perfect is the score of a canary in which every metric passes.
const perfect = 100.0

// tally counts the classes of the metrics of a group.
type tally map[Class]int

// counted gives the number of metrics that say something.
func (t tally) counted() int {
	return t[Pass] + t[High] + t[Low] + t[NodataFailMetric]
}

// score gives what the group brings to the total, 0 to 100: a group in which no
// metric says anything takes nothing away.
func (t tally) score() float64 {
	if t.counted() == 0 {
		return perfect
	}
	return perfect * float64(t[Pass]) / float64(t.counted())
}

// shown gives the score to show for the group: one without any data shows 0.
func (t tally) shown() float64 {
	if t.counted() == 0 && t[Nodata] > 0 {
		return 0
	}
	return round(t.score())
}

// tallies counts the classes by group. A metric counts in each of its groups.
func tallies(metrics []scored) map[string]tally {
	groups := map[string]tally{}
	for _, m := range metrics {
		for _, g := range slices.Compact(slices.Sorted(slices.Values(m.groups))) {
			if groups[g] == nil {
				groups[g] = tally{}
			}
			groups[g][m.class]++
		}
	}
	return groups
}

// total gives the canary's score, and why it is 0 where that is not the sum of
// the groups.
func total(metrics []scored, groups map[string]tally, weights map[string]float64) (score float64, reason string) {
	without := 0
	for _, m := range metrics {
		if m.critical {
			return 0, "a critical metric fails"
		}
		if m.class == Nodata {
			without++
		}
	}
	if without > 0 && 2*without >= len(metrics) {
		return 0, "half of the metrics or more have no data"
	}
	return round(weighted(groups, weights)), ""
}

// weighted adds up the groups by their weights in percent. Groups without one
// share equally what the others leave of 100.
func weighted(groups map[string]tally, weights map[string]float64) float64 {
	rest, sharing := 100.0, 0
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		rest -= weights[name]
	}
	for name := range groups {
		if _, has := weights[name]; !has {
			sharing++
		}
	}
	sum := 0.0
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		weight, has := weights[name]
		if !has {
			weight = rest / float64(sharing)
		}
		sum += groups[name].score() * weight / 100
	}
	return sum
}

// round rounds half up to two decimals.
func round(v float64) float64 {
	return math.Floor(v*100+0.5) / 100
}
