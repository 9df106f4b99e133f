package stats

import "time"

// The gRPC codes that count as errors.
// Source: google.golang.org/grpc/codes, the same in every language.
const (
	grpcUnknown          = 2
	grpcDeadlineExceeded = 4
	grpcUnimplemented    = 12
	grpcInternal         = 13
	grpcUnavailable      = 14
	grpcDataLoss         = 15
)

// IsError says whether a failure counts against the version that it went to: a
// status of 500 or above (Envoy's own 503 and 504 for the version's cluster
// too), a failure before any response, or a gRPC code that blames the server.
// Not counted are failures without an upstream cluster, clients that went away
// or broke the protocol, everything below 500, and what a circuit breaker
// refused: breakers belong to a cluster and say more about its limits than
// about the version, so the Ledger counts them apart.
func IsError(f Failure) bool {
	if f.Running || !reachedVersion(f) || f.Flags.Overflow {
		return false
	}
	if f.Status >= 500 || grpcError(f.GRPCStatus) {
		return true
	}
	return f.Status == 0 && f.Flags.upstreamFailed()
}

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

// grpcError says whether a gRPC code blames the server.
func grpcError(code int) bool {
	switch code {
	case grpcUnknown, grpcDeadlineExceeded, grpcUnimplemented, grpcInternal, grpcUnavailable, grpcDataLoss:
		return true
	}
	return false
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
