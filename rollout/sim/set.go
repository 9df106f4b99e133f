package sim

import (
	"slices"
	"strings"

	"github.com/serin-mesh/serin/rollout"
)

// set is a set of the versions of versionNames. A name that is none of them,
// as that of a Service without a version, counts as one version of its own.
type set uint8

func setOf(versions ...string) set {
	var s set
	for _, v := range versions {
		s |= 1 << (1 + slices.Index(versionNames, v))
	}
	return s
}

// versions is the versions that need a cluster under a division.
func versions(s rollout.Split) set {
	out := setOf(s.Stable) | setOf(s.Retired...)
	if s.Canary != "" {
		out |= setOf(s.Canary)
	}
	return out | setOf(s.Mix().Beside...)
}

// all tells whether every version of another set is in the set.
func (s set) all(o set) bool { return s&o == o }

// String lists the versions.
func (s set) String() string {
	var out []string
	for _, v := range versionNames {
		if s.all(setOf(v)) {
			out = append(out, v)
		}
	}
	return "{" + strings.Join(out, " ") + "}"
}
