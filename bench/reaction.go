package main

import (
	"context"
	"fmt"
	"time"
)

// reaction measures how soon a version that has turned bad gets no more
// requests.
func reaction(ctx context.Context, m *machine) (out *record, err error) {
	out = newRecord("a canary at 20% begins to fail every request: until the last request to it", map[string]any{
		"requests_a_second": reactionRate, "canary_percent": reactionWeight, "envoys": reactionEnvoys,
		"healthy_seconds_before": healthyFor.Seconds(), "confidence": 0.999,
	})
	serin := out.series("serin", "from the first failed response, as the version itself sees it")
	if err := turning(ctx, m, serin, turn{bad: (*origin).fail, figures: reactionFigures}); err != nil {
		return nil, err
	}
	out.judgeReaction(serin)
	return out, nil
}

// judgeReaction compares the runs with their floor and the goals.
func (r *record) judgeReaction(s *series) {
	last, decided := s.median("last_request_ms"), s.median("floor_ms")
	r.compare("last request over the floor: first to deciding failure", last, decided)
	r.atMost("last request after the first failed response, ms", last, 40)
	r.atMost("failed responses", s.median("failed_responses"), 8)
	r.atMost("last request after the deciding failure, ms", s.median("after_decision_ms"), 3)
	r.note("floor_ms is the time from the first failed response to the one that decided, in the same run; " +
		"at this rate a failed response comes every 5 ms on average, so most of a reaction is waiting for evidence.")
	r.note("decision_acked_ms is from the deciding failure until the event stream says that every Envoy has accepted weight 0; " +
		"after_decision_ms is 0 where no request came to the canary after the deciding one.")
	r.note("failed_responses counts at the version; failed_at_client at the load, through the Envoys.")
}

// reactionFigures counts from the first failed response. decided is how many
// failures the guard had when it found harm; the last of those is the deciding
// one, as the version answered in nearly the order in which Serin was told.
func reactionFigures(bad []time.Time, last, acked time.Time, decided, atClient uint64) (figures, error) {
	if decided == 0 || decided > uint64(len(bad)) {
		return nil, fmt.Errorf("the guard judged on %d failures, and the version sent %d", decided, len(bad))
	}
	first, deciding := bad[0], bad[decided-1]
	return figures{
		"last_request_ms":   ms(last.Sub(first)),
		"acked_ms":          ms(acked.Sub(first)),
		"floor_ms":          ms(deciding.Sub(first)),
		"after_decision_ms": max(ms(last.Sub(deciding)), 0), // the deciding one came before it was answered
		"decision_acked_ms": ms(acked.Sub(deciding)),
		"failed_responses":  float64(len(bad)),
		"failed_at_client":  float64(atClient),
		"deciding_failure":  float64(decided),
	}, nil
}
