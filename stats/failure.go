package stats

import (
	"time"

	"github.com/serin-mesh/serin/api"
)

// byDefault is the rule of a guard that says nothing.
var byDefault = func() *Rule {
	rule := (&api.Rollout{}).Guard().ErrorRate
	return NewRule(rule.Statuses, rule.GRPCCodes, true)
}()

// IsError says whether a failure counts against the version that it went to, by
// the rule that holds where a Rollout says nothing: a status of 500 or above
// (Envoy's own 503 and 504 for the version's cluster too), a failure before any
// response, or a gRPC code that blames the server. Not counted are failures
// without an upstream cluster, clients that went away or broke the protocol,
// everything below 500, and what a circuit breaker refused.
func IsError(f Failure) bool { return byDefault.Counts(f) }

// IsSlow says whether a request that still runs has just taken as long as an
// objective: took is what Filter.Took gives for this entry. Of all entries of a
// request that is so of one at most.
func IsSlow(f Failure, took, objective time.Duration) bool {
	return f.Running && objective > 0 && took >= objective && took-f.Duration < objective && reachedVersion(f)
}

// reachedVersion says whether a version's cluster was in charge of the request
// and the client still there.
func reachedVersion(f Failure) bool {
	return f.Cluster != "" && !f.Flags.NoRoute && !f.Flags.NoCluster &&
		!f.Flags.DownstreamGone && !f.Flags.DownstreamProtocol
}

// upstreamFailed says whether Envoy ended the request for want of an upstream
// that answers. An entry without any of these flags and without a status is a
// request that still runs.
func (f Flags) upstreamFailed() bool {
	return f.NoHealthyUpstream || f.ConnectionFailure || f.ConnectionEnded || f.UpstreamReset ||
		f.UpstreamTimeout || f.DurationTimeout || f.LocalReset
}

// Short gives the flag that best tells why Envoy failed a request, in Envoy's
// short form (UH, UF, ...), or an empty string where the upstream answered.
func (f Flags) Short() string {
	for _, flag := range []struct {
		set  bool
		name string
	}{
		{f.NoCluster, "NC"}, {f.NoRoute, "NR"}, {f.NoHealthyUpstream, "UH"}, {f.Overflow, "UO"},
		{f.ConnectionFailure, "UF"}, {f.UpstreamTimeout, "UT"}, {f.ConnectionEnded, "UC"},
		{f.UpstreamReset, "UR"}, {f.DurationTimeout, "DT"}, {f.LocalReset, "LR"},
		{f.DownstreamGone, "DC"}, {f.DownstreamProtocol, "DPE"},
	} {
		if flag.set {
			return flag.name
		}
	}
	return ""
}
