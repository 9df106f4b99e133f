package control

import (
	"slices"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
)

// rules say which answers of a Rollout's versions count.
type rules struct {
	errors *stats.Rule
	client *stats.Rule // nil: nobody looks at the client's errors
}

func rulesOf(r *api.Rollout) rules {
	guard := r.Guard()
	out := rules{errors: stats.NewRule(guard.ErrorRate.Statuses, guard.ErrorRate.GRPCCodes, true)}
	if c := guard.ClientErrors; c != nil {
		out.client = stats.NewRule(c.Statuses, c.GRPCCodes, false)
	}
	return out
}

// Told gives which answers the error stream has to tell of for the guard of a
// Rollout, beside those that every listener tells of.
func Told(r *api.Rollout) snapshot.Told {
	guard := r.Guard()
	if guard.Mode == api.GuardOff {
		return snapshot.Told{}
	}
	all := []api.GuardErrorRate{guard.ErrorRate}
	if guard.ClientErrors != nil {
		all = append(all, *guard.ClientErrors)
	}
	usual := (&api.Rollout{}).Guard().ErrorRate.GRPCCodes
	out := snapshot.Told{Calls: guard.Latency.Objective > 0 && guard.Latency.Unary}
	for _, e := range all {
		for _, text := range e.Statuses {
			if status, ok := api.ParseStatus(text); ok && (status == 4 || status >= 400 && status < 500) {
				out.Statuses = append(out.Statuses, status)
			}
		}
		for _, name := range e.GRPCCodes {
			if code, ok := api.ParseGRPCCode(name); ok && !slices.Contains(usual, name) {
				out.GRPC = append(out.GRPC, code)
			}
		}
	}
	return out
}

// tell has the routes tell of what the object's guard asks for by now.
func (c *canary) tell(l *loop) {
	l.builder.SetSplit(c.service, c.split(l))
	c.handed = true
}

// split is the division that was handed over, in the translation's terms.
func (c *canary) split(l *loop) *snapshot.Split {
	out := &snapshot.Split{
		Stable: c.published.Stable, Canary: c.published.Canary, Weight: uint32(c.published.Weight),
		Retired: c.published.Retired, Managed: c.managed(l, c.published.Routes),
	}
	for _, p := range c.published.Beside {
		out.Beside = append(out.Beside, snapshot.Part{Version: p.Version, Weight: uint32(p.Weight)})
	}
	for _, m := range c.published.Former {
		out.Former = append(out.Former, snapshot.Mix{Canary: m.Canary, Beside: m.Beside})
	}
	if c.object != nil {
		out.Told = Told(c.object)
	}
	return out
}
