package snapshot

import (
	"slices"
	"strconv"

	"github.com/serin-mesh/serin/api"
)

// normalize makes an own copy of a Split without contradictions: a canary that
// is the stable version is none, the weight is at most Total, what is beside the
// canary has at most what that leaves, Retired is sorted and names no version that
// is in use, and without a canary nothing is beside it or managed. A Split without
// a stable version cannot be served and counts as none.
func normalize(s *Split) *Split {
	if s == nil || s.Stable == "" {
		return nil
	}
	n := &Split{Stable: s.Stable, Canary: s.Canary, Weight: min(s.Weight, Total)}
	if n.Canary == n.Stable {
		n.Canary = ""
	}
	if n.Canary == "" {
		n.Weight = 0
	} else {
		n.Managed, n.Told = matching(s.Managed), s.Told
		n.setBeside(s.Beside)
	}
	n.setFormer(s.Former)
	inUse := n.versions()
	for _, v := range s.Retired {
		if v != "" && !slices.Contains(inUse, v) {
			n.Retired = append(n.Retired, v)
		}
	}
	slices.Sort(n.Retired)
	n.Retired = slices.Compact(n.Retired)
	return n
}

// versions lists the versions that need a cluster; the one empty version of a
// Service without a Rollout stands for all its endpoints.
func (s *Split) versions() []string {
	if s == nil {
		return []string{""}
	}
	v := []string{s.Stable}
	if s.Canary != "" {
		v = append(v, s.Canary)
	}
	for _, p := range s.Beside {
		v = append(v, p.Version)
	}
	return append(v, s.Retired...)
}

// current lists the versions that may get traffic.
func (s *Split) current() []string {
	if s == nil {
		return []string{""}
	}
	return s.versions()[:len(s.versions())-len(s.Retired)]
}

// sameRoutes says whether routes look the same under both splits, but for the
// weights.
func sameRoutes(a, b *Split) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Stable == b.Stable && a.mix().equal(b.mix()) && sameManaged(a.Managed, b.Managed) && a.Told.same(b.Told)
}

// sameVersions says whether both splits need the same clusters and the same keys.
func sameVersions(a, b *Split) bool {
	return sameRoutes(a, b) && (a == nil || slices.Equal(a.Retired, b.Retired) && slices.EqualFunc(a.Former, b.Former, Mix.equal))
}

// backendKey names one port of a Service: what a backendRef points at.
type backendKey struct {
	Service
	Port int32
}

// String gives NAMESPACE/SERVICE/PORT.
func (b backendKey) String() string {
	return b.Service.String() + "/" + strconv.Itoa(int(b.Port))
}

// clusterName is NAMESPACE/SERVICE/PORT/VERSION, and NAMESPACE/SERVICE/PORT
// for the empty version. Dashboards depend on it.
func clusterName(b backendKey, version string) string {
	if version == "" {
		return b.String()
	}
	return b.String() + "/" + version
}

// directName is the cluster of what is sent to one version on purpose while a
// canary runs: by a header route, through a canary Service, or as a copy. It has
// the version's endpoints. What Envoys report of the version's own cluster is
// then drawn by the weights, all of it.
func directName(b backendKey, version string) string { return clusterName(b, version) + "/direct" }

// gatewayPort names one port that a Gateway listens on.
type gatewayPort struct {
	api.Key
	Port int32
}

// String gives NAMESPACE/GATEWAY/PORT, the name of the Listener and of the
// RouteConfiguration.
func (p gatewayPort) String() string {
	return p.Key.String() + "/" + strconv.Itoa(int(p.Port))
}
