package kube

import (
	"github.com/serin-mesh/serin/api"
)

// unclaim has a Rollout want no Service.
func (m *model) unclaim(key api.Key, e *entry) {
	for _, service := range servicesOf(e.claim) {
		delete(m.claims[service], key)
		if len(m.claims[service]) == 0 {
			delete(m.claims, service)
		}
	}
	e.claim = nil
}

// servicesOf lists the Services that a Rollout divides.
func servicesOf(r *api.Rollout) []api.Key {
	if r == nil {
		return nil
	}
	out := []api.Key{r.StableService()}
	if canary, ok := r.CanaryService(); ok && canary != out[0] {
		out = append(out, canary)
	}
	return out
}

// lost gives a Service of a Rollout that another has, and which; zero keys where
// none is.
func (m *model) lost(key api.Key, r *api.Rollout) (service, winner api.Key) {
	for _, service := range servicesOf(r) {
		if winner := m.winner(service); winner != (api.Key{}) && winner != key {
			return service, winner
		}
	}
	return api.Key{}, api.Key{}
}

// winner gives the Rollout that has a Service: of those that want it the one
// created first.
func (m *model) winner(service api.Key) api.Key {
	var first *api.Rollout
	for key := range m.claims[service] {
		r := m.entries[api.Ref{Kind: kindRollout, Key: key}].claim
		if first == nil || older(r, first) {
			first = r
		}
	}
	if first == nil {
		return api.Key{}
	}
	return first.Key()
}

// older reports whether a Rollout was created before another.
func older(a, b *api.Rollout) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.Key().Compare(b.Key()) < 0
}

// shared is said of a Rollout whose Service is another's.
func shared(d api.Document, r *api.Rollout, service, winner api.Key) api.Finding {
	field := "spec.strategy.canary.canaryService"
	if service == r.StableService() {
		field = "spec.strategy.canary.stableService"
	}
	return api.Finding{
		File: d.File, Code: api.CodeSharedService, Path: field,
		Kind: d.Kind, Key: d.Key, Service: service,
		Message: "the Service " + service.String() + " already belongs to Rollout " + winner.String() +
			"; a Service has one Rollout",
	}
}
