package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/snapshot"
)

// moment says where Rollouts stand.
type moment struct {
	given   bool // a canary is under way, at a step
	step    int
	rollout string // the only one; empty: all
	stable  string // empty: found out
}

// splits divides the traffic of each Rollout's Service.
func (m *moment) splits(objects *api.Objects) (map[api.Key]*snapshot.Split, error) {
	chosen, err := m.chosen(objects)
	if err != nil {
		return nil, err
	}
	out := map[api.Key]*snapshot.Split{}
	for key, r := range objects.Rollouts {
		out[r.StableService()] = &snapshot.Split{Stable: r.Version()}
		if !slices.Contains(chosen, key) {
			continue
		}
		stable, err := m.stableOf(r, objects)
		if err != nil {
			return nil, err
		}
		out[r.StableService()] = m.split(r, stable)
	}
	return out, nil
}

// split is the division of a Rollout's traffic at the moment.
func (m *moment) split(r *api.Rollout, stable string) *snapshot.Split {
	switch {
	case !m.given || stable == r.Version():
		return &snapshot.Split{Stable: stable}
	case m.step >= len(r.Steps()):
		return &snapshot.Split{Stable: stable, Canary: r.Version(), Weight: snapshot.Total, Told: control.Told(r)}
	}
	return &snapshot.Split{Stable: stable, Canary: r.Version(), Weight: r.StepWeight(m.step), Told: control.Told(r)}
}

// chosen lists the Rollouts that the flags speak of, sorted. A step that none
// of them has is an error.
func (m *moment) chosen(objects *api.Objects) ([]api.Key, error) {
	keys := slices.SortedFunc(maps.Keys(objects.Rollouts), api.Key.Compare)
	if m.rollout != "" {
		r, err := theRollout(objects, m.rollout)
		if err != nil {
			return nil, err
		}
		keys = []api.Key{r.Key()}
	}
	most := 0
	for _, key := range keys {
		most = max(most, len(objects.Rollouts[key].Steps()))
	}
	if m.given && (m.step < 0 || m.step > most) {
		return nil, fmt.Errorf("there is no step %d; want 0 to %d, where %d means that all are over", m.step, most, most)
	}
	return keys, nil
}

// stableOf is the stable version of a Rollout at the moment.
func (m *moment) stableOf(r *api.Rollout, objects *api.Objects) (string, error) {
	if m.stable != "" || !m.given {
		return firstOf(m.stable, r.Version()), nil
	}
	others := otherVersions(r, objects)
	switch len(others) {
	case 0:
		return r.Version(), nil
	case 1:
		return others[0], nil
	}
	return "", fmt.Errorf("the Service of Rollout %s has several versions beside %s; say with --stable and --rollout which is stable: %s",
		r.Key(), r.Version(), oneOf(others))
}

// otherVersions lists the versions that a Rollout's Services have
// EndpointSlices of, but for the one it wants, sorted.
func otherVersions(r *api.Rollout, objects *api.Objects) []string {
	canary, _ := r.CanaryService()
	found := map[string]bool{}
	for _, s := range objects.EndpointSlices {
		service, ok := api.SliceService(s)
		if v := api.SliceVersion(s); ok && v != "" && v != r.Version() && (service == r.StableService() || service == canary) {
			found[v] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// listOf lists keys, for a message.
func listOf(keys []api.Key) string {
	if len(keys) == 0 {
		return "none"
	}
	var words []string
	for _, k := range keys {
		words = append(words, k.String())
	}
	return oneOf(words)
}
