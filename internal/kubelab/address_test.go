package kubelab

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// TestAddresses: an address is in the range, is no network and no broadcast, and
// nobody else has it until it is given back.
func TestAddresses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := newAddresses()
		a.next = rapid.Uint32Range(0, rangeSize-1).Draw(t, "first")
		have := map[string]bool{}
		for range rapid.IntRange(1, 600).Draw(t, "number") {
			ip, err := a.take()
			if err != nil {
				t.Fatal(err)
			}
			last := netip.MustParseAddr(ip).As4()[3]
			if !PodRange.Contains(netip.MustParseAddr(ip)) || last == 0 || last == 255 || have[ip] {
				t.Fatalf("address %s, when %d were taken", ip, len(have))
			}
			have[ip] = true
		}
	})
}

// TestAddressesRunOut: when all are taken, one that is given back is found.
func TestAddressesRunOut(t *testing.T) {
	a := newAddresses()
	n := rangeSize / 256 * 254
	for i := range n {
		if _, err := a.take(); err != nil {
			t.Fatalf("after %d: %v", i, err)
		}
	}
	if ip, err := a.take(); err == nil {
		t.Fatalf("%s is there twice", ip)
	}
	a.release("198.18.7.7")
	if ip, err := a.take(); ip != "198.18.7.7" {
		t.Errorf("got %q, %v", ip, err)
	}
}
