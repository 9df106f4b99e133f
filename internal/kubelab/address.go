package kubelab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
)

// PodRange is where the addresses of pods are from: what RFC 2544 keeps for
// tests. It is no part of 127.0.0.0/8, which EndpointSlices may not hold.
var PodRange = netip.MustParsePrefix("198.18.0.0/15")

// rangeSize is the number of addresses in PodRange.
const rangeSize = 1 << 17

// addresses gives out addresses of PodRange. Others on this machine may do the
// same: all begin somewhere at random.
type addresses struct {
	mu    sync.Mutex // guards next and taken
	next  uint32
	taken map[string]bool
}

func newAddresses() *addresses {
	return &addresses{next: rand.Uint32N(rangeSize), taken: map[string]bool{}}
}

// take gives an address that nobody else has from here.
func (a *addresses) take() (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range rangeSize {
		a.next = (a.next + 1) % rangeSize
		if last := a.next & 0xff; last == 0 || last == 0xff {
			continue // these read as networks and broadcasts
		}
		ip := nth(a.next).String()
		if !a.taken[ip] {
			a.taken[ip] = true
			return ip, nil
		}
	}
	return "", errors.New("finding an address for a pod: all are taken")
}

// release gives an address back.
func (a *addresses) release(ip string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.taken, ip)
}

// nth gives an address of PodRange by its number.
func nth(n uint32) netip.Addr {
	b := PodRange.Addr().As4()
	return netip.AddrFrom4([4]byte{b[0], b[1] | byte(n>>16), byte(n >> 8), byte(n)})
}

// ensureRange makes PodRange local to this machine, unless it is.
func ensureRange() error {
	if isLocal() {
		return nil
	}
	if err := addRange(); err != nil {
		return fmt.Errorf("putting %s on the loopback device: %w: do it once as root: ip address add %s/%d dev lo",
			PodRange, err, nth(1), PodRange.Bits())
	}
	if !isLocal() {
		return fmt.Errorf("putting %s on the loopback device: it had no effect", PodRange)
	}
	return nil
}

// isLocal reports whether addresses of PodRange can be listened on.
func isLocal() bool {
	for _, ip := range []netip.Addr{nth(2), nth(rangeSize - 2)} {
		l, err := net.Listen("tcp", netip.AddrPortFrom(ip, 0).String())
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	return true
}
