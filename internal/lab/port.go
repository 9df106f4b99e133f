package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// The ports to choose from. They lie below those that Linux gives to outgoing
// connections (32768 and up): a port that is free now is then not lost to a
// client of the load before an Envoy has bound it.
const (
	firstPort = 20000
	lastPort  = 32000
)

// given holds the ports that this process has given out, so that two callers
// never get the same one.
var given struct {
	sync.Mutex // guards ports
	ports      map[int]bool
}

// FreePort gives a TCP port that nobody listens on, on any address. It is never
// given twice by one process.
func FreePort() (int, error) {
	given.Lock()
	defer given.Unlock()
	if given.ports == nil {
		given.ports = map[int]bool{}
	}
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if given.ports[port] || !bindable(port) {
			continue
		}
		given.ports[port] = true
		return port, nil
	}
	return 0, errors.New("finding a free port: a thousand tries failed")
}

// FreePorts gives n different ports, each as FreePort does.
func FreePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		port, err := FreePort()
		if err != nil {
			return nil, err
		}
		ports[i] = port
	}
	return ports, nil
}

// bindable reports whether a listener may have the port on every address.
func bindable(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
