package kubelab

import (
	"net"

	"golang.org/x/sys/unix"
)

// addRange gives the loopback device an address of PodRange. Linux takes the
// whole network of such an address for its own on that device.
func addRange() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	address := nth(1).As4()
	if err := setLoopback(fd, unix.SIOCSIFADDR, address[:]); err != nil {
		return err
	}
	return setLoopback(fd, unix.SIOCSIFNETMASK, net.CIDRMask(PodRange.Bits(), 32))
}

// setLoopback sets something of a second address of the loopback device.
func setLoopback(fd int, what uint, value []byte) error {
	request, err := unix.NewIfreq("lo:serin")
	if err != nil {
		return err
	}
	if err := request.SetInet4Addr(value); err != nil {
		return err
	}
	return unix.IoctlIfreq(fd, what, request)
}
