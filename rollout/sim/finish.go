package sim

import (
	"fmt"
	"time"

	"github.com/serin-mesh/serin/rollout"
)

// finish gives everybody what they wait for and checks that the Rollout ends:
// Serin runs, the object is there and holds nothing, all versions have an
// endpoint, Envoys come back and accept, the store works, time passes, and a
// person promotes, resumes and retries.
func (w *world) finish() error {
	w.start()
	w.heal()
	rounds := 10 + 4*len(w.spec.Steps)
	for range rounds {
		if w.violation != nil {
			return w.violation
		}
		if w.rests() {
			return w.checkEnd()
		}
		w.round()
	}
	s := w.ctl.state
	w.fail("ends", fmt.Errorf("after %d rounds the stage is %s, step %d, weight %s: %s; fleet %+v",
		rounds, s.Stage, s.Step, s.Weight, s.Message(w.spec), s.In.Fleet))
	return w.violation
}

// must plays an event of this package's own, whose words are right.
func (w *world) must(line string) {
	if err := w.guarded(line); err != nil {
		w.fail("noPanic", err)
	}
}

func (w *world) heal() {
	for _, v := range versionNames {
		w.must("endpoints " + v + " 1")
	}
	for _, e := range envoyNames {
		w.must("leave " + e)
		w.must("connect " + e)
	}
	if w.spec.Version == "" {
		w.must("want v1")
	}
	w.must("paused no")
	w.must("frozen no")
	w.must("turn ours")
	w.must("deadline 0s")
	w.must("want " + w.spec.Version)
	w.must("unfreeze") // once there is an object to act on
}

// round is one turn of everything.
func (w *world) round() {
	w.must("store")
	for _, e := range envoyNames {
		w.must("exchange " + e)
	}
	w.must("fleet")
	w.must("store")
	switch s := w.ctl.state; {
	case s.Stage == rollout.Aborted:
		w.must("retry")
	case s.UserPausedAt != nil:
		w.must("resume")
	case s.HarmPausedAt != nil || inconclusive(s.Check) || inconclusive(s.Background):
		w.must("promote")
	case s.Check != nil && s.Check.Outcome == "":
		w.must("answer Passed")
	case s.PausedAt != nil && rollout.Next(w.spec, s).IsZero():
		w.must("count 1000")
		w.must("promote")
	case s.PausedAt != nil:
		if next := rollout.Next(w.spec, s); next.After(w.wall) {
			w.must("jump " + next.Sub(w.wall).String())
		}
		w.must("tick")
	default:
		w.must("pass " + (drain + time.Second).String())
	}
}

// rests tells whether nothing is left to do, here or at an Envoy.
func (w *world) rests() bool {
	s := w.ctl.state
	if s.Stage != rollout.Idle || len(s.Retired) > 0 || len(w.disk.queue)+len(w.disk.told) > 0 {
		return false
	}
	for _, e := range w.envoys {
		if acked, _ := e.verdict(w.ctl.published); !acked || e.clusters != setOf(s.Stable) {
			return false
		}
	}
	return true
}

// checkEnd checks that what rests is where it should be.
func (w *world) checkEnd() error {
	s := w.ctl.state
	if s.Phase(w.spec) != rollout.Healthy || !s.Pinned && s.Stable != w.spec.Version {
		w.fail("ends", fmt.Errorf("phase %s with %s stable, %s is wanted", s.Phase(w.spec), s.Stable, w.spec.Version))
	}
	for _, e := range w.envoys {
		if e.route == nil || *e.route != (route{stable: s.Stable}) {
			w.fail("ends", fmt.Errorf("%s has the route %+v, %s is stable", e.name, e.route, s.Stable))
		}
	}
	w.fail("journalReplays", w.storeReplays())
	if w.violation != nil {
		return w.violation
	}
	return nil
}
