package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// hangingObjective is from which duration on a request is slow.
	hangingObjective = 200 * time.Millisecond
	// hangingGoal is how long after the objective the last request may come.
	hangingGoal = 60 * time.Millisecond
)

// hanging measures how soon a version that no longer answers gets no more
// requests. The conditions are those of the reaction bench.
func hanging(ctx context.Context, m *machine) (out *record, err error) {
	out = newRecord("a canary at 20% begins to hang with every request: until the last request to it", map[string]any{
		"requests_a_second": reactionRate, "canary_percent": reactionWeight, "envoys": reactionEnvoys,
		"healthy_seconds_before": healthyFor.Seconds(), "confidence": 0.999, "objective_ms": ms(hangingObjective),
	})
	serin := out.series("serin", "from the first request that hung, as the version itself sees it")
	if err := turning(ctx, m, serin, turn{
		guard: fmt.Sprintf("{latency: {objective: %s, warmup: 0s}}", hangingObjective),
		bad:   (*origin).hang, metric: "latency", figures: hangingFigures,
	}); err != nil {
		return nil, err
	}
	out.judgeHanging(serin)
	return out, nil
}

// judgeHanging compares the runs with their floor and the goals.
func (r *record) judgeHanging(s *series) {
	last, decided := s.median("last_request_ms"), s.median("floor_ms")
	r.compare("last request over the floor: first request to when the deciding one had run for the objective", last, decided)
	r.atMost("last request after the first that hung, ms", last, ms(hangingObjective+hangingGoal))
	r.atMost("requests that failed for clients", s.median("failed_at_client"), 0)
	r.note("floor_ms is the time from the first request that hung until the deciding one had run for the objective, in the same run: " +
		"no request is known to be slow before that.")
	r.note("Entries that come in one batch are judged together, and two Envoys' in the order in which they come; so the request that is taken for " +
		"the deciding one may be a little later than the one that was, and the floor a little high.")
	r.note("hung_requests counts at the version all requests that came from the first on; they are answered when the run is over. " +
		"decision_acked_ms is from that moment of the deciding one until the event stream says that every Envoy has accepted weight 0.")
}

// hangingFigures counts from the first request that hung. decided is how many
// slow requests of the canary the guard had when it found harm; requests become
// slow in the order in which they came, so the deciding one is known.
func hangingFigures(hung []time.Time, last, acked time.Time, decided, atClient uint64) (figures, error) {
	if decided == 0 || decided > uint64(len(hung)) {
		return nil, fmt.Errorf("the guard judged on %d slow requests, and the version had %d", decided, len(hung))
	}
	first, deciding := hung[0], hung[decided-1].Add(hangingObjective)
	return figures{
		"last_request_ms":   ms(last.Sub(first)),
		"acked_ms":          ms(acked.Sub(first)),
		"floor_ms":          ms(deciding.Sub(first)),
		"after_decision_ms": max(ms(last.Sub(deciding)), 0),
		"decision_acked_ms": ms(acked.Sub(deciding)),
		"hung_requests":     float64(len(hung)),
		"failed_at_client":  float64(atClient),
		"deciding_request":  float64(decided),
	}, nil
}
