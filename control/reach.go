package control

import (
	"context"
	"fmt"
	"math"

	"github.com/serin-mesh/serin/analysis"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// UsualHarm is the excess of the canary's failure share that a plan is judged by
// where nobody says another.
const UsualHarm = 0.05

// Reaches says how long a guard with a configuration needs, at a weight (0 to 1)
// and a rate of requests a second, to see an excess over the share of requests
// that fails anyway, and to see a total failure.
func Reaches(c analysis.Config, weight, rate, errors, increase float64) []api.Reach {
	out := []api.Reach{
		reach(c, weight, rate, errors, errors+increase, fmt.Sprintf("+%.3g points", 100*increase)),
	}
	if errors+increase < 1 {
		out = append(out, reach(c, weight, rate, errors, 1, "total failure"))
	}
	return out
}

func reach(c analysis.Config, weight, rate, p0, p1 float64, harm string) api.Reach {
	r := api.Reach{Harm: harm, Weight: 100 * weight, Rate: rate}
	of := analysis.Expect(c, weight, p0, min(p1, 1))
	if math.IsInf(of.Expected, 0) {
		return r
	}
	r.LeastRequests, r.ExpectedRequests = &of.Least, &of.Expected
	if rate > 0 {
		least, expected := of.Least/rate, of.Expected/rate
		r.LeastSeconds, r.ExpectedSeconds = &least, &expected
	}
	return r
}

// Outlook says how long the guard of a Rollout needs now, at the present weight
// and what is reported of its traffic; nothing where no canary is judged.
func (c *Control) Outlook(ctx context.Context, key api.Key) ([]api.Reach, error) {
	var seen *outlook
	var found bool
	err := c.ask(ctx, func(l *loop) {
		of := l.canaries[key]
		if found = of != nil; found {
			seen = of.outlook(l)
		}
	})
	switch {
	case err != nil:
		return nil, err // the loop may still be writing the answer
	case !found:
		return nil, fmt.Errorf("%w: %s", ErrNotFound, key)
	case seen == nil:
		return nil, nil
	}
	// The loop does not wait for this: a harm near to what is tolerated takes a
	// while to work out.
	return Reaches(seen.config, seen.weight, seen.rate, seen.errors, UsualHarm), nil
}

// outlook is what is known of a canary's traffic.
type outlook struct {
	config               analysis.Config
	weight, rate, errors float64
}

// outlook is nil where no canary is judged.
func (c *canary) outlook(l *loop) *outlook {
	w := c.state.Weight
	if c.judge == nil || !c.state.Active() || w == 0 || w >= rollout.Total {
		return nil
	}
	c.countRequests(l)
	total := c.judge.Test.Verdict().Total
	_, canary, _ := l.ledger.Totals(c.service, c.state.Version, l.now)
	_, stable, _ := l.ledger.Totals(c.service, c.state.Stable, l.now)
	errors := 0.0
	if total.StableRequests > 0 {
		errors = min(float64(total.StableFailures)/total.StableRequests, 1-UsualHarm)
	}
	return &outlook{c.judge.Test.Config(), share(w), canary + stable, errors}
}
