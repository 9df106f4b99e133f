package rollout_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/rollout"
)

func header(name, what string, order int) rollout.ManagedRoute {
	return rollout.ManagedRoute{Name: name, What: what, Order: order}
}

func setRoute(r rollout.ManagedRoute) rollout.StepSpec { return rollout.StepSpec{SetRoute: &r} }

func (w *world) routes(want ...rollout.ManagedRoute) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.state.Split().Routes); diff != "" {
		w.t.Fatalf("managed routes (-want +got):\n%s", diff)
	}
}

func TestPauseForRequests(t *testing.T) {
	w := newWorld(t, setWeight(20), rollout.StepSpec{Pause: &rollout.PauseSpec{Requests: 100}}, setWeight(50), pause(0))
	w.want("v2")
	w.endpoints(1)
	w.fleet(rollout.Fleet{Connected: 2, Acked: 2})
	w.play(rollout.Counted{Attempt: 1, Requests: 40}) // before the pause begins
	w.ack()
	w.is(rollout.PhasePaused, 1, 20, "v1")
	w.pass(time.Hour)
	w.play(rollout.Counted{Attempt: 1, Requests: 139})
	w.play(rollout.Counted{Attempt: 0, Requests: 1000}) // of another attempt
	w.is(rollout.PhasePaused, 1, 20, "v1")
	w.says("waits for 100 requests of the canary, 99 came")
	w.play(rollout.Counted{Attempt: 1, Requests: 140})
	w.is(rollout.Progressing, 2, 50, "v1")
}

func TestManagedRoutes(t *testing.T) {
	first, second := header("first", "x: 1", 0), header("second", "y: 2", 1)
	w := newWorld(t, setRoute(second), setRoute(first), pause(0), setRoute(header("second", "", 1)), pause(0))
	w.want("v2")
	w.endpoints(1)
	w.fleet(rollout.Fleet{Connected: 1, Acked: 1})
	w.routes(second)
	w.is(rollout.Progressing, 0, 0, "v1") // until the fleet has it
	w.ack()
	w.routes(first, second) // by precedence
	w.is(rollout.PhasePaused, 2, 0, "v1")
	w.endpoints(0)
	w.routes() // the canary cannot serve
	w.endpoints(1)
	w.ack()
	w.routes(first, second)
	w.say(rollout.Promote)
	w.routes(first)
	w.say(rollout.Abort)
	w.routes()
	w.is(rollout.Degraded, 0, 0, "v1")
}

func TestAStepWithoutMeaningIsPassed(t *testing.T) {
	w := canaryWorld(t, rollout.StepSpec{Skip: "no pods here"}, setWeight(20), pause(0))
	w.is(rollout.PhasePaused, 2, 20, "v1")
}

func TestFreeze(t *testing.T) {
	t.Run("until unfreeze", func(t *testing.T) {
		w := canaryWorld(t, setWeight(20), pause(time.Minute), setWeight(50), pause(0))
		w.say(rollout.FreezeIt)
		w.pass(time.Hour)
		w.is(rollout.PhasePaused, 1, 20, "v1")
		w.says("frozen until unfreeze: ana")
		w.refuses(rollout.Action{Verb: rollout.Promote}, "frozen")
		w.refuses(rollout.Action{Verb: rollout.Promote, Full: true}, "frozen")
		w.say(rollout.Unfreeze)
		w.is(rollout.Progressing, 2, 50, "v1")
		w.refuses(rollout.Action{Verb: rollout.Unfreeze}, "not frozen")
	})
	t.Run("until a time", func(t *testing.T) {
		w := canaryWorld(t, setWeight(20), pause(time.Minute), setWeight(50), pause(0))
		end := w.now.Add(time.Hour)
		w.play(rollout.Acted{Action: rollout.Action{Verb: rollout.FreezeIt, Until: &end}})
		w.pass(time.Hour - time.Second)
		w.is(rollout.PhasePaused, 1, 20, "v1")
		if got := rollout.Wake(w.spec, w.state); got.After(end) {
			t.Errorf("wakes at %v, after the end of the freeze at %v", got, end)
		}
		w.pass(time.Second)
		w.is(rollout.Progressing, 2, 50, "v1")
		past := w.now
		w.refuses(rollout.Action{Verb: rollout.FreezeIt, Until: &past}, "not to come")
	})
	t.Run("lets an abort through", func(t *testing.T) {
		w := canaryWorld(t, setWeight(20), pause(0))
		w.say(rollout.FreezeIt)
		w.say(rollout.Abort)
		w.is(rollout.Degraded, 0, 0, "v1")
	})
	t.Run("of a healthy rollout holds the next canary", func(t *testing.T) {
		w := newWorld(t, setWeight(20))
		w.say(rollout.FreezeIt)
		w.is(rollout.Healthy, 0, 0, "v1")
		w.want("v2")
		w.endpoints(1)
		w.ack()
		w.is(rollout.PhasePaused, 0, 0, "v1")
	})
	t.Run("of all", func(t *testing.T) {
		w := canaryWorld(t, setWeight(20), pause(time.Minute), setWeight(50), pause(0))
		w.spec.Frozen = &rollout.Freeze{Actor: "ana", Reason: "holidays"}
		w.pass(time.Hour)
		w.is(rollout.PhasePaused, 1, 20, "v1")
		w.says("holidays")
		w.spec.Frozen = nil
		w.play(rollout.Thawed{})
		w.is(rollout.Progressing, 2, 50, "v1")
	})
}

func TestProgressDeadline(t *testing.T) {
	t.Run("shows, and is over with the next progress", func(t *testing.T) {
		w := newWorld(t, setWeight(20), pause(time.Hour), setWeight(50), pause(0))
		w.spec.Deadline = 10 * time.Minute
		w.want("v2")
		if got, want := rollout.Wake(w.spec, w.state), t0.Add(10*time.Minute); !got.Equal(want) {
			t.Errorf("wakes at %v, want %v", got, want)
		}
		w.pass(10*time.Minute - time.Second)
		w.is(rollout.Progressing, 0, 0, "v1")
		w.pass(time.Second)
		w.is(rollout.Degraded, 0, 0, "v1")
		w.says("ProgressDeadlineExceeded")
		w.endpoints(1)
		w.ack()
		w.is(rollout.PhasePaused, 1, 20, "v1")
		w.pass(time.Hour - time.Second) // a pause is no lack of progress
		w.is(rollout.PhasePaused, 1, 20, "v1")
	})
	t.Run("aborts where the spec says so", func(t *testing.T) {
		w := newWorld(t, setWeight(20))
		w.spec.Deadline, w.spec.DeadlineAborts = time.Minute, true
		w.want("v2")
		w.pass(time.Minute)
		w.is(rollout.Degraded, 0, 0, "v1")
		if w.state.Stage != rollout.Aborted {
			t.Errorf("stage %s", w.state.Stage)
		}
	})
}

func TestRollbackWindow(t *testing.T) {
	w := canaryWorld(t) // v2 is stable, v1 was
	w.ack()
	w.spec.Steps = []rollout.StepSpec{setWeight(20), pause(0)}
	w.spec.FastWindow = 1
	w.want("v1")
	w.endpoints(1)
	w.ack()
	w.is(rollout.Healthy, 2, 0, "v1")
	w.want("v3")
	w.endpoints(1)
	w.ack()
	w.is(rollout.PhasePaused, 1, 20, "v1")
}
