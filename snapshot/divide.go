package snapshot

import (
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

// alone names the one cluster of a backend that takes no divided traffic: a
// canary Service's, or a mirror's.
func (b *backend) alone(key backendKey, s *Split) string {
	switch {
	case s == nil:
		return clusterName(key, "")
	case b.canary && s.Canary != "":
		return clusterName(key, s.Canary)
	}
	return clusterName(key, s.Stable)
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
		case s == nil || b.canary || s.Canary == "":
			set.add(b.alone(key, s), term{share: b.share})
		default:
			keyed = true
			set.add(clusterName(key, s.Canary), term{share: b.share, service: key.Service, role: canaryOf})
			set.add(clusterName(key, s.Stable), term{share: b.share, service: key.Service, role: restOf})
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

// canaryWeights maps each Service with a canary to its weight.
type canaryWeights = map[api.Key]uint32
