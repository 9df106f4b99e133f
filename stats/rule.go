package stats

import "github.com/serin-mesh/serin/api"

// Rule says which answers count. Create it with NewRule.
type Rule struct {
	statuses   [600]bool
	grpc       [17]bool
	unanswered bool
}

// NewRule makes a rule of HTTP statuses and gRPC codes, in the words of a guard;
// a text that is none is passed over. With unanswered it also counts what the
// version left Envoy without an answer for, be it that Envoy itself then
// answered.
func NewRule(statuses, codes []string, unanswered bool) *Rule {
	r := &Rule{unanswered: unanswered}
	for _, text := range statuses {
		status, ok := api.ParseStatus(text)
		from, to := status, status+1
		if status < 100 {
			from, to = 100*status, 100*status+100
		}
		for i := from; ok && i < to; i++ {
			r.statuses[i] = true
		}
	}
	for _, name := range codes {
		if code, ok := api.ParseGRPCCode(name); ok {
			r.grpc[code] = true
		}
	}
	return r
}

// Counts says whether an entry of the error stream is one of the answers, and a
// version's. What a circuit breaker refused is not: breakers belong to a cluster
// and say more about its limits than about the version, so the Ledger counts
// them apart.
func (r *Rule) Counts(f Failure) bool {
	if f.Running || !reachedVersion(f) || f.Flags.Overflow {
		return false
	}
	if f.Status > 0 && r.statuses[min(f.Status, len(r.statuses)-1)] || f.GRPCStatus > 0 && f.GRPCStatus < len(r.grpc) && r.grpc[f.GRPCStatus] {
		return true
	}
	return r.unanswered && (f.Status == 0 || f.Status >= 500) && f.Flags.upstreamFailed()
}
