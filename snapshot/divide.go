package snapshot

import (
	"slices"

	"github.com/serin-mesh/serin/api"
)

// splits holds the split of each Service that has a Rollout.
type splits map[Service]*Split

// target gives the Service port that serves a backend and, where a Rollout
// divides it, the split; nil for a plain Service. ok is false where nothing
// serves it.
func (b *backend) target(in splits) (key backendKey, split *Split, ok bool) {
	if b.canary {
		if s := in[b.rollout.Service]; s != nil {
			return b.rollout, s, true
		}
	}
	if !b.exists {
		return b.named, nil, false
	}
	return b.named, in[b.named.Service], true
}

// onPurpose says whether requests to a backend that the Service port key serves are
// for a canary alone: it is a canary Service, and its Rollout has a split.
func (b *backend) onPurpose(key backendKey) bool { return b.canary && key == b.rollout }

// alone names the one cluster of a backend that takes no divided traffic: a
// canary Service's, or a mirror's.
func (b *backend) alone(key backendKey, s *Split) string {
	switch {
	case s == nil:
		return clusterName(key, "")
	case s.Canary == "":
		return clusterName(key, s.Stable)
	case b.onPurpose(key):
		return directName(key, s.Canary)
	}
	return directName(key, s.Stable)
}

// direct lists the versions of a Service that have a cluster for what is sent to
// them on purpose: with a canary alone is there a difference.
func (b *Builder) direct(key backendKey, s *Split) []string {
	if s == nil || s.Canary == "" {
		return nil
	}
	var out []string
	if _, backed := b.services.canaryOf[key.Service]; backed || len(s.Managed) > 0 {
		out = append(out, s.Canary)
	}
	for route := range b.namedBy[key.Service] {
		if b.compiled[route].mirrorsTo(key.Service, b.splits) {
			return append(out, s.Stable)
		}
	}
	return out
}

// mirrorsTo says whether a route copies requests to a Service by its own name.
func (c *compiledRoute) mirrorsTo(service Service, in splits) bool {
	return slices.ContainsFunc(c.rules, func(r *rule) bool {
		return slices.ContainsFunc(r.mirrors, func(m mirror) bool {
			key, _, _ := m.backend.target(in)
			return key.Service == service && !m.backend.onPurpose(key)
		})
	})
}

// missingCluster stands for a backend that is not there. No such cluster is
// ever sent, so its share of the requests gets the answer that the route gives
// for an unknown cluster. The name differs from that of any real cluster, so
// that one that is being removed cannot take its place.
func missingCluster(b backendKey) string { return "missing/" + b.String() }

// divide says how a rule's requests divide among clusters, for the route; nil
// where no backend is left to serve any.
func (r *rule) divide(in splits) *weightedSet {
	set := &weightedSet{}
	keyed, served := false, false
	for i := range r.backends {
		b := &r.backends[i]
		key, s, ok := b.target(in)
		served = served || ok
		switch {
		case !ok:
			set.add(missingCluster(key), term{share: b.share})
		case s == nil || b.onPurpose(key) || s.Canary == "":
			set.add(b.alone(key, s), term{share: b.share})
		default:
			keyed = true
			m := s.mix()
			for _, v := range append([]string{m.Canary}, append(m.Beside, s.Stable)...) {
				set.add(clusterName(key, v), b.term(key, s, m, v))
			}
		}
	}
	if !served {
		return nil
	}
	if keyed {
		set.prefix = r.prefix(in)
	}
	return set
}

// serves calls visit for each Service port that the rule sends requests to.
func (r *rule) serves(in splits, visit func(backendKey)) {
	for i := range r.backends {
		if key, _, ok := r.backends[i].target(in); ok {
			visit(key)
		}
	}
	for i := range r.mirrors {
		if key, _, ok := r.mirrors[i].backend.target(in); ok {
			visit(key)
		}
	}
}

// canaryWeights maps each Service with a canary to what that has, and what is
// beside it.
type canaryWeights = map[api.Key]given
