package sim

import (
	"errors"
	"fmt"
)

// Failure is a history that broke an invariant.
type Failure struct {
	Seed      uint64 // 0 where the history came from bytes
	Violation *Violation
	Script    Script // cut down to what the violation needs
}

// Error tells the invariant and the seed, and prints the script.
func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d: %v\n%s", f.Seed, f.Violation, f.Script)
}

// Unwrap gives the violation.
func (f *Failure) Unwrap() error { return f.Violation }

// Run plays the history of so many events that a seed gives. The error is a
// [Failure], whose text names the invariant and the seed and replays the
// history.
func Run(seed uint64, events int) error {
	return run(seed, seeded(seed), events)
}

// RunBytes plays the history that a byte string gives, for fuzzing: each choice
// is a byte or two.
func RunBytes(data []byte) error {
	return run(0, &byteSource{data}, min(len(data)/2, maxEvents))
}

// maxEvents bounds a history from bytes.
const maxEvents = 200

func run(seed uint64, s source, events int) error {
	script, err := draw(s, events)
	if err == nil {
		return nil
	}
	var v *Violation
	if !errors.As(err, &v) {
		return err
	}
	script = shrink(script, v.Invariant)
	if err := Replay(script); errors.As(err, &v) {
		script.Comment = v.Error()
	}
	return &Failure{Seed: seed, Violation: v, Script: script}
}

// draw plays a random history, and gives it in writing with what came of it.
func draw(s source, events int) (Script, error) {
	w, m := newWorld(), mix(s)
	var script Script
	lines := opening(s)
	for i := range len(lines) + events {
		line := ""
		if i < len(lines) {
			line = lines[i]
		} else {
			line = m.next(w, s)
		}
		script.Events = append(script.Events, line)
		if err := w.guarded(line); err != nil {
			return script, err
		}
		if w.violation != nil {
			return script, w.violation
		}
	}
	return script, w.finish()
}

// shrink leaves out events for as long as the same invariant breaks: ever
// smaller pieces, until no single event can go.
func shrink(s Script, invariant string) Script {
	for size := len(s.Events) / 2; size > 0; {
		shorter, ok := without(s, size, invariant)
		s = shorter
		if !ok || size > len(s.Events) {
			size /= 2
		}
	}
	return s
}

// without tries to leave out each piece of a size in turn.
func without(s Script, size int, invariant string) (Script, bool) {
	cut := false
	for at := 0; at+size <= len(s.Events); {
		shorter := Script{Events: append(append([]string{}, s.Events[:at]...), s.Events[at+size:]...)}
		var v *Violation
		if errors.As(Replay(shorter), &v) && v.Invariant == invariant {
			s, cut = shorter, true
		} else {
			at += size
		}
	}
	return s, cut
}
