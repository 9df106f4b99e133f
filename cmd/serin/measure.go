package main

import (
	"context"
	"errors"
	"time"

	"github.com/serin-mesh/serin/analysis/provider"
	analyses "github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/stats"
)

// measurer takes the measurements of the control loop by the providers.
type measurer struct{ providers *provider.Set }

// Measure takes one measurement.
func (m measurer) Measure(ctx context.Context, x control.Measurement) analyses.Result {
	return m.providers.Take(ctx, x.Task, x.Args, x.Secret, provider.Subject{Rollout: x.Rollout, Run: x.Run})
}

// reported gives the providers what the Envoys report, as the control loop keeps
// it. Source: provider.Source.
type reported struct{ *sink }

// Windows gives what was reported of a version.
func (r reported) Windows(ctx context.Context, rollout api.Key, version string, length time.Duration, parts int) ([]provider.Window, error) {
	if rollout.Name == "" {
		return nil, errors.New("it is not known of which Rollout: give the AnalysisRun, or its Experiment, the label rollout: NAME")
	}
	all, err := r.Control.Windows(ctx, rollout, version, length, parts)
	if err != nil {
		return nil, err
	}
	out := make([]provider.Window, len(all))
	for i, w := range all {
		out[i] = provider.Window{Length: w.Length, Requests: w.Requests, Errors: w.Errors,
			Latency: buckets(w.Latency), Overflow: w.Overflow, Connections: w.Connections}
	}
	return out, nil
}

// buckets takes a histogram that counts all requests up to each edge, in
// milliseconds, apart.
func buckets(cumulative []stats.HistogramBucket) []provider.Bucket {
	var out []provider.Bucket
	var below uint64
	for _, b := range cumulative {
		out = append(out, provider.Bucket{UpTo: b.Upper / millisecondsPerSecond, Count: b.Count - below})
		below = b.Count
	}
	return out
}

const millisecondsPerSecond = 1000
