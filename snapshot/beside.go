package snapshot

import (
	"slices"
	"strings"
)

// Part is a version that has traffic of its own beside a canary.
type Part struct {
	Version string
	Weight  uint32 // in millionths
}

// Mix names the versions of a weighted route but for the one that takes the rest:
// a canary, and what is beside it, sorted.
type Mix struct {
	Canary string
	Beside []string
}

// String is how the runtime keys of a route name its mix: CANARY, or
// CANARY+VERSION+VERSION. No version has a plus in it.
func (m Mix) String() string { return strings.Join(append([]string{m.Canary}, m.Beside...), "+") }

func (m Mix) equal(o Mix) bool { return m.Canary == o.Canary && slices.Equal(m.Beside, o.Beside) }

// mix is that of the weighted route that a Split asks for.
func (s *Split) mix() Mix {
	m := Mix{Canary: s.Canary}
	for _, p := range s.Beside {
		m.Beside = append(m.Beside, p.Version)
	}
	return m
}

// given is what the versions of a Service have that do not take the rest.
type given struct {
	canary uint32
	beside []Part
}

// given reads the weights off a Split; nothing without one. They must not change
// afterwards.
func (s *Split) given() given {
	if s == nil {
		return given{}
	}
	return given{s.Weight, s.Beside}
}

// of is what a version beside the canary has; 0 where it is not there.
func (g given) of(version string) uint32 {
	for _, p := range g.beside {
		if p.Version == version {
			return p.Weight
		}
	}
	return 0
}

func (g given) equal(o given) bool { return g.canary == o.canary && slices.Equal(g.beside, o.beside) }

// setBeside takes over what is beside a canary, sorted, each version once and none
// that is stable or canary, and no more than the canary leaves.
func (s *Split) setBeside(parts []Part) {
	left := Total - s.Weight
	for _, p := range parts {
		if p.Weight == 0 || p.Version == "" || slices.Contains(s.versions(), p.Version) {
			continue
		}
		p.Weight = min(p.Weight, left)
		left -= p.Weight
		s.Beside = append(s.Beside, p)
	}
	slices.SortFunc(s.Beside, func(a, b Part) int { return strings.Compare(a.Version, b.Version) })
}

// setFormer takes over the mixes of former routes, each once and without the one
// that is in use, in order.
func (s *Split) setFormer(mixes []Mix) {
	for _, m := range mixes {
		if m.Canary != "" && len(m.Beside) > 0 {
			s.Former = append(s.Former, Mix{m.Canary, slices.Compact(slices.Sorted(slices.Values(m.Beside)))})
		}
	}
	slices.SortFunc(s.Former, func(a, b Mix) int { return strings.Compare(a.String(), b.String()) })
	s.Former = slices.CompactFunc(s.Former, Mix.equal)
	s.Former = slices.DeleteFunc(s.Former, s.mix().equal)
}
