package e2e_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/store"
)

// TestKilledUnderLoad kills the program SERIN_ENVOY_KILLS times while real
// Envoys carry a load and one version follows the other. No request fails, and
// no version gets a larger share than the journal allowed meanwhile.
func TestKilledUnderLoad(t *testing.T) {
	kills := number(t, "SERIN_ENVOY_KILLS", 3)
	random := rand.New(rand.NewPCG(uint64(number(t, "SERIN_SEED", 1)), 0))
	steps := []string{"setWeight: 20", "pause: {duration: 700ms}", "setWeight: 50", "pause: {duration: 700ms}"}
	r := newRig(t, options{steps: steps, versions: []string{"v1", "v2", "v3"}, flags: []string{"--drain", "500ms"}})
	r.envoy("edge-1", nil)
	r.envoy("edge-2", nil)
	l, stop := r.load(400)
	w := newWitness("shop", planOf(steps))
	next, finished := map[string]string{"v1": "v2", "v2": "v3", "v3": "v1"}, 0
	want := "v1"
	for range kills {
		began, before := time.Now(), l.Counts()
		ends := began.Add(time.Duration(random.Int64N(int64(2500 * time.Millisecond))))
		for time.Now().Before(ends) {
			s := r.rollout("shop")
			w.show(s)
			if s.Phase == api.PhaseHealthy && s.StableRS == want {
				finished++
				want = next[want]
				r.want(want)
			}
			wait(context.Background(), 50*time.Millisecond)
		}
		r.kill()
		journal := r.inspect(w)
		during := l.Counts().Sub(before)
		for v := range next {
			// A request that began before is counted when it has ended.
			n, most := float64(during.Requests), allowed(journal, v, began.Add(-time.Second), time.Now())
			if got := during.Share(v); n > 0 && got > most+5*math.Sqrt(most*(1-most)/n)+1/n {
				t.Errorf("%s got %.3f of %.0f requests, and at most %.3f was allowed", v, got, n, most)
			}
		}
		r.start("--drain", "500ms")
	}
	r.await("healthy on "+want, healthy(want))
	t.Logf("%d kills, %d changes of version", kills, finished)
	if c := stop(); c.Failed != 0 {
		t.Errorf("%d of %d requests failed, last: %v", c.Failed, c.Requests, c.LastError)
	}
}

// inspect holds what a killed server left behind against what was seen of it,
// and gives the journal.
func (r *rig) inspect(w *witness) []store.Entry {
	r.t.Helper()
	s, err := store.Open(r.data)
	r.must(err)
	defer func() { r.must(s.Close()) }()
	saved, err := s.Load()
	r.must(err)
	key := api.Key{Namespace: "default", Name: w.name}
	journal, err := s.Journal(key)
	r.must(err)
	for _, wrong := range w.check(saved.Rollouts[key], journal) {
		r.t.Error(wrong)
	}
	return journal
}
