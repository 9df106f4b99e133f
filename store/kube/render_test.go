package kube

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
)

// TestWholeWeights: as Argo has them weights are whole numbers, and sum to the
// whole all the same.
func TestWholeWeights(t *testing.T) {
	weights := func(canary, stable float64, additional ...float64) api.TrafficWeights {
		w := api.TrafficWeights{Canary: api.WeightDestination{Weight: canary}, Stable: api.WeightDestination{Weight: stable}}
		for _, a := range additional {
			w.Additional = append(w.Additional, api.WeightDestination{Weight: a})
		}
		return w
	}
	for name, c := range map[string]struct{ in, want api.TrafficWeights }{
		"whole":            {weights(20, 80), weights(20, 80)},
		"a fraction":       {weights(12.5, 87.5), weights(13, 87)},
		"an experiment":    {weights(20, 70, 5, 5), weights(20, 70, 5, 5)},
		"its fractions":    {weights(12.5, 86.5, 0.4, 0.6), weights(13, 86, 0, 1)},
		"and none is left": {weights(98.5, 0, 0.75, 0.75), weights(99, 0, 1, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			r := &api.Rollout{}
			r.Status.Canary.Weights = c.in
			before := slices.Clone(c.in.Additional)
			if d := cmp.Diff(c.want, wholeWeights(r)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if !slices.Equal(c.in.Additional, before) {
				t.Error("the status itself was changed")
			}
		})
	}
}
