package main

import (
	"context"

	"github.com/serin-mesh/serin/analysis/provider"
	analyses "github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/control"
)

// measurer takes the measurements of the control loop by the providers.
type measurer struct{ providers *provider.Set }

// Measure takes one measurement.
func (m measurer) Measure(ctx context.Context, x control.Measurement) analyses.Result {
	return m.providers.Take(ctx, x.Task, x.Args, x.Secret, provider.Subject{Rollout: x.Rollout, Run: x.Run})
}
