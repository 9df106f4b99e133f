package analysis

// hosts knows whether the canary's failures since any given moment came from
// more than one of its hosts. Two marks are enough for that: the last failure
// of all, and the last one on any other host than that one's.
type hosts struct {
	count  int    // how many the canary has
	recent string // host of the last failure
	last   uint64 // number of that failure, from 1
	other  uint64 // number of the last failure on another host; 0: none
}

// failed notes the nth failure of the canary. One without a host (no healthy
// host, no connection) cannot be one host's fault and counts as two.
func (h *hosts) failed(host string, n uint64) {
	switch {
	case host == "":
		h.other = n
	case host != h.recent:
		h.other = h.last
	}
	h.recent, h.last = host, n
}

// enough says whether failures after the first n came from two hosts, or the
// canary has not as many.
func (h *hosts) enough(n uint64) bool { return h.count < 2 || h.other > n }
