package snapshot

import (
	"fmt"
	"slices"
	"strings"
)

// An Envoy that is slow, away or in quarantine keeps a route of an earlier
// split and goes on reading runtime keys. So the prefix of a route names the
// canary that the route was made for, its lead, and the keys under each prefix
// are right for every route that may have been made for that lead, whichever
// version was stable beside it:
//
//	lead           its own key   the keys of all other versions
//	canary         its weight    what it leaves
//	stable         all           nothing
//	retired        nothing       all
//
// A route reads the key of its lead and of one other version, so its weights
// sum to Total, and a canary that was withdrawn gets nothing. The keys of a
// lead that is retired are left out: they would say what the route's own
// weights say. Those of the stable version are set even when nothing is retired:
// the version that it took the traffic from may be the canary by now.
//
// A route with versions beside the canary reads a key for each of them too, and
// what is left for the stable version depends on which they are. So they are part
// of the lead, which is a mix, and every mix that a route may have been made for
// has its keys: those versions have what they have now, or nothing, and the others
// what is left. The keys of a canary alone give nothing to what is beside it.

// part is what one Service has in a rule.
type part struct {
	service Service
	split   *Split
	led     bool // some backend divides between the canary and the others
}

// parts lists the Services that the backends of a rule lead to, each once, in
// the order of the backends.
func (r *rule) parts(in splits) []part {
	var out []part
	for i := range r.backends {
		b := &r.backends[i]
		key, s, _ := b.target(in)
		at := partOf(out, key.Service)
		if at < 0 {
			at, out = len(out), append(out, part{service: key.Service})
		}
		if s != nil {
			out[at].split = s
			out[at].led = out[at].led || !b.onPurpose(key)
		}
	}
	return out
}

func partOf(parts []part, service Service) int {
	return slices.IndexFunc(parts, func(p part) bool { return p.service == service })
}

// leads lists whom a route that an Envoy still has may have been made for;
// the zero one is a route from when the Service had no canary.
func (p *part) leads() []Mix {
	out := []Mix{{}}
	if !p.led || p.split.Canary == "" && len(p.split.Retired)+len(p.split.Former) == 0 {
		return out
	}
	for _, v := range p.split.versions() {
		out = append(out, Mix{Canary: v})
	}
	if len(p.split.Beside) > 0 {
		out = append(out, p.split.mix())
	}
	return append(out, p.split.Former...)
}

// current says whether a lead may get traffic, so that a route of it must not
// be left to its own weights.
func (p *part) current(lead Mix) bool {
	return lead.Canary != "" && (lead.Canary == p.split.Canary || lead.Canary == p.split.Stable)
}

// prefix is the runtime_key_prefix of the route that a rule now has.
func (r *rule) prefix(in splits) string {
	parts := r.parts(in)
	leads := make([]Mix, len(parts))
	for i, p := range parts {
		if p.led {
			leads[i] = p.split.mix()
		}
	}
	return r.prefixOf(parts, leads)
}

// prefixOf is the prefix of a route that was made for these leads, one a part:
//
//	serin.NAMESPACE/SERVICE/PORT/LEAD
//	serin.route.NAMESPACE/ROUTE/RULE/LEAD,LEAD
//
// Rules whose only backend is the Service of a Rollout share one, so that a
// change of its weight is a few keys however many hosts there are. A rule with
// several backends has shares of its own; there a Service without a canary has
// a dash, which is no version.
func (r *rule) prefixOf(parts []part, leads []Mix) string {
	if len(r.backends) == 1 {
		return "serin." + backendKey{parts[0].service, r.backends[0].named.Port}.String() + "/" + leads[0].String()
	}
	names := make([]string, len(leads))
	for i, lead := range leads {
		if names[i] = lead.String(); names[i] == "" {
			names[i] = "-"
		}
	}
	return fmt.Sprintf("serin.route.%s/%d/%s", r.route, r.index, strings.Join(names, ","))
}

// keySets lists the runtime keys of a rule: for the route that it now has and
// for every earlier one that an Envoy may still have. With several Services in
// the midst of a rollout those are all combinations of their leads.
func (r *rule) keySets(in splits) []*weightedSet {
	parts := r.parts(in)
	all := [][]Mix{nil}
	for i := range parts {
		var longer [][]Mix
		for _, lead := range parts[i].leads() {
			for _, leads := range all {
				longer = append(longer, append(slices.Clip(leads), lead))
			}
		}
		all = longer
	}
	var out []*weightedSet
	for _, leads := range all {
		for i, lead := range leads {
			if parts[i].current(lead) {
				out = append(out, r.keySet(in, parts, leads))
				break
			}
		}
	}
	return out
}

// keySet is the keys for routes that were made for these leads.
func (r *rule) keySet(in splits, parts []part, leads []Mix) *weightedSet {
	set := &weightedSet{prefix: r.prefixOf(parts, leads)}
	for i := range r.backends {
		b := &r.backends[i]
		key, s, ok := b.target(in)
		switch {
		case !ok:
			set.add(missingCluster(key), term{share: b.share})
		case s == nil:
			set.add(clusterName(key, ""), term{share: b.share})
		default:
			lead := leads[partOf(parts, key.Service)]
			for _, v := range s.versions() {
				t := b.term(key, s, lead, v)
				if !b.onPurpose(key) || lead.Canary == "" {
					set.add(clusterName(key, v), t)
				}
				if b.onPurpose(key) {
					set.add(directName(key, v), t)
				}
			}
		}
	}
	return set
}

// term says what a version has of a backend in a route that was made for a lead. A
// route without one names one version, so each may have the whole.
func (b *backend) term(key backendKey, s *Split, lead Mix, version string) term {
	t := term{share: b.share, service: key.Service}
	own, beside := version == lead.Canary, slices.Contains(lead.Beside, version)
	drawn := lead.Canary == s.Canary && !b.onPurpose(key)
	switch {
	case lead.Canary == "":
		t.role = whole
	case drawn && own:
		t.role = canaryOf
	case drawn && beside:
		t.role, t.beside = besideOf, []string{version}
	case drawn:
		t.role, t.beside = restOf, lead.Beside
	case lead.Canary == s.Stable || b.onPurpose(key):
		t.role = pick(own, whole, none)
	default:
		t.role = pick(own || beside, none, whole)
	}
	return t
}

func pick(first bool, a, b role) role {
	if first {
		return a
	}
	return b
}
