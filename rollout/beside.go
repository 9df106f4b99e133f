package rollout

import (
	"fmt"
	"slices"
	"strings"
)

// Part is a version beside the canary, and what it has of the traffic.
type Part struct {
	Version string `json:"version"`
	Weight  Weight `json:"weight"`
}

// Mix names the versions of a weighted route that do not take the rest: a
// canary, and those beside it, sorted.
type Mix struct {
	Canary string   `json:"canary"`
	Beside []string `json:"beside"`
}

// Wish is what was last told of versions beside the canary: the check that they
// belong to, and what they are to have. The zero Wish is of no check.
type Wish struct {
	Run   Run
	Parts []Part
}

// equal says whether two mixes are of the same versions.
func (a Mix) equal(b Mix) bool { return a.Canary == b.Canary && slices.Equal(a.Beside, b.Beside) }

// Mix names the versions of the division's weighted route; it has none beside
// the canary where that is alone.
func (a Split) Mix() Mix {
	m := Mix{Canary: a.Canary}
	for _, p := range a.Beside {
		m.Beside = append(m.Beside, p.Version)
	}
	return m
}

// Rest is what the stable version has.
func (a Split) Rest() Weight { return Total - a.Weight - sum(a.Beside) }

// sum adds up the weights of parts.
func sum(parts []Part) (w Weight) {
	for _, p := range parts {
		w += p.Weight
	}
	return w
}

// weightOf is the weight of a version among parts; 0 where it is not there.
func weightOf(parts []Part, version string) Weight {
	for _, p := range parts {
		if p.Version == version {
			return p.Weight
		}
	}
	return 0
}

// raises says whether some version has more among parts than among those before.
func raises(before, parts []Part) bool {
	return slices.ContainsFunc(parts, func(p Part) bool { return p.Weight > weightOf(before, p.Version) })
}

// describe says in words who has what: 5% to each of a and b.
func describe(parts []Part) string {
	same := len(parts) > 1
	var all, names []string
	for _, p := range parts {
		same = same && p.Weight == parts[0].Weight
		all, names = append(all, fmt.Sprintf("%s to %s", p.Weight, p.Version)), append(names, p.Version)
	}
	if !same {
		return strings.Join(all, ", ")
	}
	last := len(names) - 1
	return fmt.Sprintf("%s to each of %s and %s", parts[0].Weight, strings.Join(names[:last], ", "), names[last])
}

// besideSeen notes what versions beside the canary are to have, if the check
// that they belong to is the step's and still waits.
func (m *machine) besideSeen(ev BesideSeen) {
	if w, ok := m.state.asking(m.spec); ok && w.Run.same(ev.Run) {
		m.state.In.Beside = Wish{Run: ev.Run, Parts: slices.Clone(ev.Parts)}
	}
}

// wished gives what versions beside the canary are to have, as far as there is
// traffic for them; false where that was not told for the check under way, as
// after a start: then what they have stays.
func (m *machine) wished() (parts []Part, short, told bool) {
	w, ok := m.state.asking(m.spec)
	if wish := m.state.In.Beside; ok && w.Run.same(wish.Run) {
		parts, short = m.state.cut(wish.Parts)
		return parts, short, true
	}
	return nil, false, false
}

// cut leaves of what is asked for, in that order, what the canary's step leaves
// to the stable version, sorted by version; short, that it was not enough. A
// version is beside the canary when it is neither of the two.
func (s State) cut(asked []Part) (parts []Part, short bool) {
	left := Total - s.Allowed
	for _, p := range asked {
		if p.Version == "" || p.Version == s.Stable || p.Version == s.Version || weightOf(parts, p.Version) > 0 {
			continue
		}
		short = short || p.Weight > left
		if p.Weight = min(p.Weight, left); p.Weight > 0 {
			parts, left = append(parts, p), left-p.Weight
		}
	}
	slices.SortFunc(parts, func(a, b Part) int { return strings.Compare(a.Version, b.Version) })
	return parts, short
}

// lowerBeside takes from versions beside the canary what they are not to have
// any more, which waits for nothing.
func (m *machine) lowerBeside() bool {
	want, _, told := m.wished()
	var less []Part
	for _, p := range m.state.Beside {
		if p.Weight = min(p.Weight, weightOf(want, p.Version)); p.Weight > 0 {
			less = append(less, p)
		}
	}
	if !told || slices.Equal(less, m.state.Beside) {
		return false
	}
	m.setBeside(less, "")
	return true
}

// raiseBeside gives versions beside the canary what they are to have.
func (m *machine) raiseBeside() bool {
	want, short, told := m.wished()
	if !told || slices.Equal(want, m.state.Beside) {
		return false
	}
	why := ""
	if short {
		why = fmt.Sprintf("; %s has no more", m.state.Stable)
	}
	m.setBeside(want, why)
	return true
}

func (m *machine) setBeside(parts []Part, why string) {
	what := "nothing"
	if len(parts) > 0 {
		what = describe(parts)
	}
	m.emit(Record{Kind: BesideSet, Step: m.state.Step, Parts: parts,
		Message: fmt.Sprintf("step %d: %s beside %s%s", m.state.Step, what, m.state.Version, why)})
}

// asks says whether the check of a step has begun and waits for its answer: only
// then is there traffic beside the canary.
func (s State) asks() bool { return s.Stage == Stepping && s.Check != nil && s.Check.Outcome == "" }

// withBeside gives versions beside the canary these weights, and retires those
// that had some and have none.
func (s State) withBeside(parts []Part) State {
	before := s.Beside
	s.Beside = append([]Part(nil), parts...)
	for _, p := range parts {
		s.Retired = without(s.Retired, p.Version)
	}
	for _, p := range before {
		isCanary := s.Stage != Idle && p.Version == s.Version
		if weightOf(parts, p.Version) == 0 && !isCanary {
			s = s.retire(p.Version)
		}
	}
	return s
}

// remember keeps the mix of the division before for the Envoys that still route
// by it.
func (s State) remember(before Split) State {
	s.Former = formerly(s.Former, before.Mix(), s.Split().Mix())
	return s
}

// formerly gives the former mixes when one that was in force gives way to another.
func formerly(mixes []Mix, was, is Mix) []Mix {
	if was.equal(is) {
		return mixes
	}
	former := slices.DeleteFunc(slices.Clone(mixes), func(m Mix) bool { return m.equal(was) || m.equal(is) })
	if len(was.Beside) > 0 {
		former = append(former, was)
	}
	return append([]Mix(nil), former...) // nil where it is empty
}
