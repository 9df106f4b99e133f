package workload

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/rollout"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) *time.Time { t := noon.Add(-d); return &t }

func sec(n int) *time.Duration { d := time.Duration(n) * time.Second; return &d }

// rs is a ReplicaSet whose pods are all there; its revision is the digit that its
// version ends with.
func rs(version string, replicas int32) set {
	return set{name: "shop-" + version, version: version, revision: int64(version[len(version)-1] - '0'),
		replicas: replicas, have: replicas, ready: replicas, available: replicas, seen: true}
}

// share50 is half of the traffic.
const share50 = rollout.Total / 2

func canary(version string, weight rollout.Weight) rollout.Need {
	return rollout.Need{Version: version, Weight: weight}
}

func scaled(version string, weight rollout.Weight, by rollout.ScaleBy, n int32) rollout.Need {
	return rollout.Need{Version: version, Weight: weight, Scale: rollout.Scale{By: by, N: n}}
}

// TestPlan has a row for each rule of who has how many pods.
func TestPlan(t *testing.T) {
	ten := terms{replicas: 10, delayed: -1, history: 10}
	with := func(change func(*terms)) terms { c := ten; change(&c); return c }
	dynamic := with(func(t *terms) { t.dynamic = true })
	paused := with(func(t *terms) { t.paused = true })
	least := with(func(t *terms) { t.minPods = 3 })
	delay := with(func(t *terms) { t.delay = sec(60) })
	tests := []struct {
		name  string
		terms terms
		w     Wanted
		asked string // v.Version, unless it is said
		sets  []set
		want  map[string]int32
		next  time.Time
	}{
		{"nobody was named yet", ten, Wanted{}, "v1", []set{rs("v1", 0)}, nil, noon},
		{"the first version has all", ten, Wanted{Stable: "v1", Version: "v1"}, "", []set{rs("v1", 0)}, map[string]int32{"v1": 10}, noon},
		{"one that somebody scaled is put right", ten, Wanted{Stable: "v1", Version: "v1", Busy: []string{"v1"}}, "", []set{rs("v1", 12)}, map[string]int32{"v1": 10}, noon},
		{"no replicas", with(func(t *terms) { t.replicas = 0 }), Wanted{Stable: "v1", Version: "v1", Busy: []string{"v1"}}, "", []set{rs("v1", 10)}, map[string]int32{"v1": 0}, noon},

		{"a canary is beside all of stable", ten, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", share50)}, "", []set{rs("v1", 10), rs("v2", 0)}, map[string]int32{"v2": 5}, noon},
		{"no weight takes no pod", ten, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", 0)}, "", []set{rs("v1", 10), rs("v2", 0)}, nil, noon},
		{"the least weight takes a pod", ten, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", 1)}, "", []set{rs("v1", 10), rs("v2", 0)}, map[string]int32{"v2": 1}, noon},
		{"a weight is rounded up", ten, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", 200_001)}, "", []set{rs("v1", 10), rs("v2", 0)}, map[string]int32{"v2": 3}, noon},
		{"all of the weight", ten, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", rollout.Total), Busy: []string{"v1", "v2"}}, "", []set{rs("v1", 10), rs("v2", 5)}, map[string]int32{"v2": 10}, noon},
		{"a step's number", ten, Wanted{Stable: "v1", Version: "v2", Canary: scaled("v2", share50, rollout.ByReplicas, 2)}, "", []set{rs("v1", 10), rs("v2", 0)}, map[string]int32{"v2": 2}, noon},
		{"a step's number, also downwards", ten, Wanted{Stable: "v1", Version: "v2", Canary: scaled("v2", share50, rollout.ByReplicas, 2), Busy: []string{"v2"}}, "", []set{rs("v1", 10), rs("v2", 5)}, map[string]int32{"v2": 2}, noon},
		{"a step's number of none", ten, Wanted{Stable: "v1", Version: "v2", Canary: scaled("v2", share50, rollout.ByReplicas, 0)}, "", []set{rs("v1", 10), rs("v2", 3)}, map[string]int32{"v2": 0}, noon},
		{"a step's weight", ten, Wanted{Stable: "v1", Version: "v2", Canary: scaled("v2", share50, rollout.ByWeight, 25)}, "", []set{rs("v1", 10), rs("v2", 0)}, map[string]int32{"v2": 3}, noon},
		{"minPodsPerReplicaSet", least, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", 1)}, "", []set{rs("v1", 10), rs("v2", 0)}, map[string]int32{"v2": 3}, noon},
		{"minPodsPerReplicaSet of none", least, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", 0)}, "", []set{rs("v1", 10), rs("v2", 0)}, nil, noon},
		{"minPodsPerReplicaSet and a step's number", least, Wanted{Stable: "v1", Version: "v2", Canary: scaled("v2", 1, rollout.ByReplicas, 1)}, "", []set{rs("v1", 10), rs("v2", 0)}, map[string]int32{"v2": 1}, noon},
		{"minPodsPerReplicaSet is no more than all", with(func(t *terms) { t.replicas, t.minPods = 2, 5 }), Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", 1)}, "", []set{rs("v1", 2), rs("v2", 0)}, map[string]int32{"v2": 2}, noon},

		{"a lower weight, and nobody knows the traffic", ten, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", 100_000), Busy: []string{"v2"}}, "", []set{rs("v1", 10), rs("v2", 5)}, nil, noon},
		{"a lower weight, and an Envoy may send half", ten, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", 100_000), Busy: []string{"v2"}, AtMost: share50}, "", []set{rs("v1", 10), rs("v2", 8)}, map[string]int32{"v2": 5}, noon},
		{"a lower weight that everybody has", ten, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", 100_000), Busy: []string{"v2"}, AtMost: 100_000}, "", []set{rs("v1", 10), rs("v2", 5)}, map[string]int32{"v2": 1}, noon},
		{"a lower weight that nobody uses", ten, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", 100_000)}, "", []set{rs("v1", 10), rs("v2", 5)}, map[string]int32{"v2": 1}, noon},

		{"fewer replicas", with(func(t *terms) { t.replicas = 4 }), Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", share50), Busy: []string{"v1", "v2"}, AtMost: share50}, "", []set{rs("v1", 10), rs("v2", 5)}, map[string]int32{"v1": 4, "v2": 2}, noon},
		{"more replicas", with(func(t *terms) { t.replicas = 20 }), Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", share50), Busy: []string{"v1", "v2"}}, "", []set{rs("v1", 10), rs("v2", 5)}, map[string]int32{"v1": 20, "v2": 10}, noon},

		{"paused, before there are pods", paused, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", share50)}, "", []set{rs("v1", 10), rs("v2", 0)}, nil, noon},
		{"paused, with pods", paused, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", share50)}, "", []set{rs("v1", 10), rs("v2", 2)}, map[string]int32{"v2": 5}, noon},
		{"paused, the first version", paused, Wanted{Stable: "v1", Version: "v1"}, "", []set{rs("v1", 0)}, map[string]int32{"v1": 10}, noon},

		{"dynamic, before traffic moved", dynamic, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", share50)}, "", []set{rs("v1", 10), rs("v2", 5)}, nil, noon},
		{"dynamic, a part has moved", dynamic, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", share50), AtLeast: 250_000}, "", []set{rs("v1", 10), rs("v2", 5)}, map[string]int32{"v1": 8}, noon},
		{"dynamic, traffic moved", dynamic, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", share50), AtLeast: share50, Busy: []string{"v1"}}, "", []set{rs("v1", 10), rs("v2", 5)}, map[string]int32{"v1": 5}, noon},
		{"dynamic, a lower weight is to come", dynamic, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", 200_000), AtLeast: share50, AtMost: share50, Busy: []string{"v2"}}, "", []set{rs("v1", 5), rs("v2", 5)}, map[string]int32{"v1": 8}, noon},
		{"dynamic, all has moved", dynamic, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", rollout.Total), AtLeast: rollout.Total}, "", []set{rs("v1", 5), rs("v2", 10)}, map[string]int32{"v1": 1}, noon},
		{"dynamic, aborted", dynamic, Wanted{Stable: "v1", Version: "v2", Aborted: ago(0), AtLeast: share50, Busy: []string{"v1", "v2"}}, "", []set{rs("v1", 5), rs("v2", 5)}, map[string]int32{"v1": 10}, noon},
		{"dynamic with minPodsPerReplicaSet", with(func(t *terms) { t.dynamic, t.minPods = true, 3 }), Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", 900_000), AtLeast: 900_000}, "", []set{rs("v1", 10), rs("v2", 9)}, map[string]int32{"v1": 3}, noon},

		{"promoted, the old one is in use", ten, Wanted{Stable: "v2", Version: "v2", Busy: []string{"v1"}, Promoted: ago(0)}, "", []set{rs("v1", 10), rs("v2", 10)}, nil, noon},
		{"promoted, nobody uses the old one", ten, Wanted{Stable: "v2", Version: "v2", Promoted: ago(0)}, "", []set{rs("v1", 10), rs("v2", 10)}, map[string]int32{"v1": 0}, noon},
		{"promoted, a delay", delay, Wanted{Stable: "v2", Version: "v2", Promoted: ago(20 * time.Second)}, "", []set{rs("v1", 10), rs("v2", 10)}, nil, noon.Add(40 * time.Second)},
		{"promoted, the delay is over", delay, Wanted{Stable: "v2", Version: "v2", Promoted: ago(time.Minute)}, "", []set{rs("v1", 10), rs("v2", 10)}, map[string]int32{"v1": 0}, noon},
		{"promoted, the delay is over but it is in use", delay, Wanted{Stable: "v2", Version: "v2", Promoted: ago(time.Hour), Busy: []string{"v1"}}, "", []set{rs("v1", 10), rs("v2", 10)}, nil, noon},
		{"promoted long ago, with a delay", delay, Wanted{Stable: "v2", Version: "v2"}, "", []set{rs("v1", 10), rs("v2", 10)}, map[string]int32{"v1": 0}, noon},
		{"a delay for one old version", with(func(t *terms) { t.delay, t.delayed = sec(60), 1 }), Wanted{Stable: "v3", Version: "v3", Promoted: ago(0)}, "", []set{rs("v1", 10), rs("v2", 10), rs("v3", 10)}, map[string]int32{"v1": 0}, noon.Add(time.Minute)},
		{"a delay goes on in the next canary", delay, Wanted{Stable: "v2", Version: "v3", Canary: canary("v3", share50), Promoted: ago(0)}, "", []set{rs("v1", 10), rs("v2", 10), rs("v3", 5)}, nil, noon.Add(time.Minute)},

		{"superseded and in use", ten, Wanted{Stable: "v1", Version: "v3", Canary: canary("v3", 0), Busy: []string{"v1", "v2"}}, "", []set{rs("v1", 10), rs("v2", 5), rs("v3", 0)}, nil, noon},
		{"superseded", ten, Wanted{Stable: "v1", Version: "v3", Canary: canary("v3", 0), Busy: []string{"v1"}}, "", []set{rs("v1", 10), rs("v2", 5), rs("v3", 0)}, map[string]int32{"v2": 0}, noon},
		{"superseded, and the delay is of others", delay, Wanted{Stable: "v1", Version: "v3", Canary: canary("v3", 0), Promoted: ago(0)}, "", []set{rs("v1", 10), rs("v2", 5), rs("v3", 0)}, map[string]int32{"v2": 0}, noon},

		{"aborted and in use", ten, Wanted{Stable: "v1", Version: "v2", Aborted: ago(time.Hour), Busy: []string{"v2"}}, "", []set{rs("v1", 10), rs("v2", 5)}, nil, noon},
		{"aborted", ten, Wanted{Stable: "v1", Version: "v2", Aborted: ago(0)}, "", []set{rs("v1", 10), rs("v2", 5)}, map[string]int32{"v2": 0}, noon},
		{"aborted, a delay", with(func(t *terms) { t.abortDelay = sec(30) }), Wanted{Stable: "v1", Version: "v2", Aborted: ago(10 * time.Second)}, "", []set{rs("v1", 10), rs("v2", 5)}, nil, noon.Add(20 * time.Second)},
		{"aborted, the delay is over", with(func(t *terms) { t.abortDelay = sec(30) }), Wanted{Stable: "v1", Version: "v2", Aborted: ago(30 * time.Second)}, "", []set{rs("v1", 10), rs("v2", 5)}, map[string]int32{"v2": 0}, noon},
		{"aborted, kept for ever", with(func(t *terms) { t.abortDelay = sec(0) }), Wanted{Stable: "v1", Version: "v2", Aborted: ago(time.Hour)}, "", []set{rs("v1", 10), rs("v2", 5)}, nil, noon},
		{"pinned out", with(func(t *terms) { t.abortDelay = sec(0) }), Wanted{Stable: "v1", Version: "v2"}, "", []set{rs("v1", 10), rs("v2", 5)}, map[string]int32{"v2": 0}, noon},

		{"an old one is asked for again, and nobody knows", ten, Wanted{Stable: "v2", Version: "v2"}, "v1", []set{rs("v1", 10), rs("v2", 10)}, nil, noon},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := view{terms: test.terms, Wanted: test.w, asked: test.asked, sets: test.sets, now: noon}
			if v.asked == "" {
				v.asked = test.w.Version
			}
			p := makePlan(v)
			want := map[string]int32{}
			for version, n := range test.want {
				want["shop-"+version] = n
			}
			if diff := cmp.Diff(want, p.replicas); diff != "" {
				t.Errorf("replicas (-want +got):\n%s", diff)
			}
			if next := test.next; next.Equal(noon) && !p.next.IsZero() || !next.Equal(noon) && !p.next.Equal(next) {
				t.Errorf("next is %v", p.next)
			}
		})
	}
}

// TestHistoryLimit: old ReplicaSets beyond the limit go, the oldest first, but none
// that has pods, is used or is named.
func TestHistoryLimit(t *testing.T) {
	unseen := rs("v2", 0)
	unseen.seen = false
	tests := []struct {
		name  string
		limit int
		w     Wanted
		sets  []set
		want  []string
	}{
		{"few", 3, Wanted{Stable: "v4", Version: "v4"}, []set{rs("v1", 0), rs("v2", 0), rs("v3", 0), rs("v4", 1)}, nil},
		{"one too many", 2, Wanted{Stable: "v4", Version: "v4"}, []set{rs("v3", 0), rs("v1", 0), rs("v2", 0), rs("v4", 1)}, []string{"shop-v1"}},
		{"none are kept", 0, Wanted{Stable: "v3", Version: "v3"}, []set{rs("v1", 0), rs("v2", 0), rs("v3", 1)}, []string{"shop-v1", "shop-v2"}},
		{"one that has pods stays", 0, Wanted{Stable: "v3", Version: "v3"}, []set{rs("v1", 1), rs("v2", 0), rs("v3", 1)}, []string{"shop-v2"}},
		{"one that is used stays", 0, Wanted{Stable: "v3", Version: "v3", Busy: []string{"v1"}}, []set{rs("v1", 0), rs("v3", 1)}, nil},
		{"one not seen to be empty stays", 0, Wanted{Stable: "v3", Version: "v3"}, []set{unseen, rs("v3", 1)}, nil},
		{"the canary and an aborted one stay", 0, Wanted{Stable: "v1", Version: "v2", Canary: canary("v2", 0)}, []set{rs("v1", 1), rs("v2", 0)}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := view{terms: terms{replicas: 1, history: test.limit, delayed: -1}, Wanted: test.w, asked: test.w.Version, sets: test.sets, now: noon}
			if diff := cmp.Diff(test.want, makePlan(v).remove); diff != "" {
				t.Errorf("removed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMet: pods are met for the very need, counted after they were asked for.
func TestMet(t *testing.T) {
	few := func(version string, replicas, available int32) set {
		s := rs(version, replicas)
		s.available = available
		return s
	}
	stale, failed := rs("v2", 5), few("v2", 5, 1)
	stale.seen = false
	failed.failure = "exceeded quota"
	percent, pods, off := threshold{Type: "Percentage", Value: new(int32(60))}, threshold{Type: "Pod", Value: new(int32(2))}, threshold{Type: "Pod", Value: new(int32(-1))}
	half := canary("v2", share50)
	tests := []struct {
		name      string
		need      rollout.Need
		threshold threshold
		paused    bool
		set       set
		met       bool
		message   string
	}{
		{"all", half, threshold{}, false, rs("v2", 5), true, "5 of 5 pods are available"},
		{"more", half, threshold{}, false, rs("v2", 7), true, "7 of 5 pods are available"},
		{"fewer", half, threshold{}, false, few("v2", 5, 4), false, "4 of 5 pods are available"},
		{"why there are fewer", half, threshold{}, false, failed, false, "1 of 5 pods are available: exceeded quota"},
		{"not counted since", half, threshold{}, false, stale, false, "5 are being asked for"},
		{"not asked for yet", half, threshold{}, false, rs("v2", 4), false, "5 are being asked for"},
		{"none needed", canary("v2", 0), threshold{}, false, rs("v2", 0), true, "0 of 0 pods are available"},
		{"no ReplicaSet", half, threshold{}, false, rs("v3", 5), false, "it has no ReplicaSet"},
		{"held", half, threshold{}, true, rs("v2", 0), false, "spec.paused holds them"},
		{"a percentage", half, percent, false, few("v2", 5, 3), true, "3 of 5 pods are available"},
		{"under the percentage", half, percent, false, few("v2", 5, 2), false, "2 of 5 pods are available"},
		{"a number", half, pods, false, few("v2", 5, 2), true, "2 of 5 pods are available"},
		{"under the number", half, pods, false, few("v2", 5, 1), false, "1 of 5 pods are available"},
		{"a number above what is needed", canary("v2", 1), pods, false, rs("v2", 1), true, "1 of 1 pods are available"},
		{"a number that is none", half, off, false, few("v2", 5, 4), false, "4 of 5 pods are available"},
		{"a step's scale", scaled("v2", share50, rollout.ByReplicas, 1), threshold{}, false, rs("v2", 1), true, "1 of 1 pods are available"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := view{terms: terms{replicas: 10, threshold: test.threshold, paused: test.paused}, Wanted: Wanted{Stable: "v1", Version: "v2", Canary: test.need}, sets: []set{test.set}}
			want := rollout.Pods{Need: test.need, Met: test.met, Message: test.message}
			if diff := cmp.Diff(want, v.pods()); diff != "" {
				t.Errorf("pods (-want +got):\n%s", diff)
			}
		})
	}
	if p := (view{}).pods(); p != (rollout.Pods{}) {
		t.Errorf("without a canary: %+v", p)
	}
}
