package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/serin-mesh/serin/rollout"
)

var (
	envoyNames   = []string{"e1", "e2", "e3"}
	versionNames = []string{"v1", "v2", "v3", "v4"}
	queueNames   = []string{"clusters", "config"}
	kindNames    = []string{"clusters", "keys", "route"}
)

// ops are the events of a history, by their first word. Each says what it does
// with its arguments; an error means that they cannot be read. One that does
// not apply does nothing.
var ops = map[string]func(*world, []string) error{
	"want":     (*world).opWant,
	"steps":    (*world).opSteps,
	"paused":   (*world).opPaused,
	"onharm":   (*world).opOnHarm,
	"delete":   func(w *world, _ []string) error { w.object = false; w.reconcile(); return nil },
	"promote":  verb(rollout.Promote),
	"pause":    verb(rollout.Pause),
	"resume":   verb(rollout.Resume),
	"abort":    verb(rollout.Abort),
	"retry":    verb(rollout.Retry),
	"rollback": verb(rollout.Rollback),
	"freeze":   (*world).opFreeze,
	"unfreeze": verb(rollout.Unfreeze),
	"frozen":   (*world).opFrozen,
	"deadline": (*world).opDeadline,
	"window":   (*world).opWindow,
	"count":    (*world).opCount,
	"harm":     (*world).opHarm,

	"answer":     (*world).opAnswer,
	"reanswer":   (*world).opReanswer,
	"beside":     (*world).opBeside,
	"unbeside":   (*world).opUnbeside,
	"background": (*world).opBackground,
	"turn":       (*world).opTurn,

	"endpoints": (*world).opEndpoints,
	"pass":      (*world).opPass,
	"jump":      (*world).opJump,
	"tick":      func(w *world, _ []string) error { w.look(); w.play(rollout.Ticked{}); return nil },
	"connect":   withEnvoy(func(w *world, e *envoy) { w.connect(e) }),
	"leave":     withEnvoy(func(w *world, e *envoy) { w.leave(e) }),
	"exchange":  withEnvoy(func(w *world, e *envoy) { w.exchange(e) }),
	"round":     func(w *world, _ []string) error { w.everybody(); return nil },
	"send":      (*world).opSend,
	"take":      withQueue(func(w *world, e *envoy, q queue) { e.take(q, true) }),
	"refuse":    withQueue(func(w *world, e *envoy, q queue) { e.take(q, false) }),
	"hear":      withQueue(func(w *world, e *envoy, q queue) { w.hear(e, q) }),
	"fleet":     func(w *world, _ []string) error { w.look(); return nil },
	"late":      (*world).opLate,
	"commit":    (*world).opCommit,
	"stored":    func(w *world, _ []string) error { w.stored(); return nil },
	"store":     func(w *world, _ []string) error { w.storeAll(); return nil },
	"crash":     func(w *world, _ []string) error { w.crash(); return nil },
	"start":     func(w *world, _ []string) error { w.start(); return nil },
}

// do plays one event and checks everything that always holds.
func (w *world) do(line string) error {
	words := strings.Fields(line)
	if len(words) == 0 || ops[words[0]] == nil {
		return fmt.Errorf("unknown event %q", line)
	}
	if err := ops[words[0]](w, words[1:]); err != nil {
		return fmt.Errorf("event %q: %w", line, err)
	}
	w.endTurn()
	w.sweep()
	w.check()
	return nil
}

func one(args []string, of []string) (int, error) {
	if len(args) == 0 || !slices.Contains(of, args[0]) {
		return 0, fmt.Errorf("want one of %v", of)
	}
	return slices.Index(of, args[0]), nil
}

func withEnvoy(f func(*world, *envoy)) func(*world, []string) error {
	return func(w *world, args []string) error {
		i, err := one(args, envoyNames)
		if err == nil {
			f(w, w.envoys[i])
		}
		return err
	}
}

func withQueue(f func(*world, *envoy, queue)) func(*world, []string) error {
	return func(w *world, args []string) error {
		i, err := one(args, envoyNames)
		if err != nil {
			return err
		}
		q, err := one(args[1:], queueNames)
		if err == nil {
			f(w, w.envoys[i], queue(q))
		}
		return err
	}
}

// verb is an action: "rollback v1", "promote full", "abort".
func verb(v rollout.Verb) func(*world, []string) error {
	return func(w *world, args []string) error {
		a := rollout.Action{Verb: v, Actor: "ana"}
		if v == rollout.Promote && len(args) > 0 {
			a.Full = args[0] == "full"
		}
		if v == rollout.Rollback {
			if len(args) > 0 {
				a.To = args[0]
			}
			to := a.To
			if n := len(w.ctl.state.Proven); to == "" && n > 0 {
				to = w.ctl.state.Proven[n-1]
			}
			a.Ready = w.ready[to]
		}
		if w.object {
			w.play(rollout.Acted{Action: a})
		}
		return nil
	}
}

func (w *world) opWant(args []string) error {
	i, err := one(args, versionNames)
	if err == nil {
		w.object, w.spec.Version = true, versionNames[i]
		w.reconcile()
	}
	return err
}

func (w *world) opSteps(args []string) error {
	var steps []rollout.StepSpec
	for _, a := range args {
		st, err := parseStep(a)
		if err != nil {
			return err
		}
		steps = append(steps, st)
	}
	w.spec.Steps = steps
	w.edited()
	return nil
}

func (w *world) opPaused(args []string) error {
	i, err := one(args, []string{"no", "yes"})
	if err == nil {
		w.spec.Paused = i == 1
		w.edited()
	}
	return err
}

func (w *world) opOnHarm(args []string) error {
	i, err := one(args, []string{"abort", "pause"})
	if err == nil {
		w.spec.PauseOnHarm = i == 1
		w.edited()
	}
	return err
}

// opLate delivers again what the fleet told some messages ago.
func (w *world) opLate(args []string) error {
	n, err := number(args, 0)
	if told := w.ctl.fleet; err == nil && n < len(told) {
		w.play(rollout.FleetSeen{Fleet: told[len(told)-1-n]})
	}
	return err
}

func (w *world) opCommit(args []string) error {
	n, err := number(args, 1)
	if err == nil && w.up {
		w.fail("journalReplays", w.disk.commit(n))
	}
	return err
}

// storeAll commits what is queued, and what follows from that.
func (w *world) storeAll() {
	for range 20 {
		if !w.up || w.violation != nil || len(w.disk.queue)+len(w.disk.told) == 0 {
			return
		}
		w.fail("journalReplays", w.disk.commit(len(w.disk.queue)))
		for len(w.disk.told) > 0 {
			w.stored()
			w.endTurn()
		}
	}
}

func (w *world) opSend(args []string) error {
	i, err := one(args, envoyNames)
	if err != nil {
		return err
	}
	k, err := one(args[1:], kindNames)
	if err == nil {
		w.send(w.envoys[i], kind(k))
	}
	return err
}
