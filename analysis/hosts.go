package analysis

const (
	// groups is how many groups the canary's hosts are put into.
	groups = 4
	// knownHosts is of how many hosts the failures are told apart.
	knownHosts = 16
	// hostThreshold is what the evidence must have reached without any one group.
	// By Ville's inequality a canary at the edge of the null but for one dying host
	// reaches it with a probability of about 1/15 at most; in simulations, one as
	// good as stable was stopped in 0.2% of the cases in which a host died.
	hostThreshold = 15
)

// hosts tests whether the canary is worse also without any one of its hosts: a
// host that dies is no fault of the version. Its hosts are put into groups, in the
// order of their first failures, and for each group an e-process is kept as the
// guard's own that leaves out the group's failures. A canary is harmful where the
// least of them is high too.
//
// What a left-out group takes of the traffic is taken to be its part of the hosts.
// That is known before a failure: the groups of those that have failed, and the
// group that the next one will be in.
type hosts struct {
	count int    // how many the canary has
	known []host // in the order of their first failures
	rest  [groups]remainder
}

// host is one host of the canary that failed requests.
type host struct {
	Name     string `json:"name"`
	Failures uint64 `json:"failures"`
}

// remainder is the evidence without one group.
type remainder struct {
	value   [components]float64
	factors factors
}

// release adds a part of the amounts to each remainder.
func (h *hosts) release(amounts *[components]float64, part float64) {
	for g := range h.rest {
		v := &h.rest[g].value
		for j := range v {
			v[j] += amounts[j] * part
		}
	}
}

// failed takes one failure at weight w, which must lie between 0 and 1, both
// excluded. One of the canary without a host (no healthy host, no connection)
// cannot be one host's fault: no remainder leaves it out.
func (h *hosts) failed(f *Failure, w, margin float64) {
	out := groups
	if f.Canary && f.Host != "" {
		out = h.group(f.Host)
	}
	for g := range h.rest {
		share := h.share(g)
		if g == out || share >= 1 {
			continue
		}
		r := &h.rest[g]
		r.factors.aim(w*(1-share)/(1-w*share), margin)
		factor := r.factors.of(f.Canary)
		for j := range r.value {
			r.value[j] = min(r.value[j]*factor[j], ceiling)
		}
	}
	if out < groups {
		h.note(f.Host)
	}
}

// group gives the group of a host: by the order of the first failures, and by name
// once that order is full.
func (h *hosts) group(name string) int {
	for i := range h.known {
		if h.known[i].Name == name {
			return i % groups
		}
	}
	if len(h.known) < knownHosts {
		return len(h.known) % groups
	}
	return int(fnv1a(name) % groups)
}

// fnv1a is the hash of Fowler, Noll and Vo, 32 bits.
func fnv1a(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// note counts a failure of a host.
func (h *hosts) note(name string) {
	for i := range h.known {
		if h.known[i].Name == name {
			h.known[i].Failures++
			return
		}
	}
	if len(h.known) < knownHosts {
		h.known = append(h.known, host{name, 1})
	}
}

// share gives the part of the canary's hosts whose next failure group g would
// take: those that are in it, and those that have not failed yet where it is its
// turn. 0 where the number of hosts is not known.
func (h *hosts) share(g int) float64 {
	if h.count < 1 {
		return 0
	}
	n, unseen := float64((len(h.known)+groups-1-g)/groups), float64(max(h.count-len(h.known), 0))
	switch {
	case len(h.known) == knownHosts:
		n += unseen / groups
	case len(h.known)%groups == g:
		n += unseen
	}
	return min(n/float64(h.count), 1)
}

// alone gives the group without which the evidence is least, and that evidence,
// withheld mass left out.
func (h *hosts) alone() (group int, evidence float64) {
	evidence = mean(&h.rest[0].value)
	for g := 1; g < groups; g++ {
		if e := mean(&h.rest[g].value); e < evidence {
			group, evidence = g, e
		}
	}
	return group, evidence
}

// worst names the host of a group that failed most; empty where none did.
func (h *hosts) worst(group int) string {
	var most host
	for i := group; i < len(h.known); i += groups {
		if h.known[i].Failures > most.Failures {
			most = h.known[i]
		}
	}
	return most.Name
}
