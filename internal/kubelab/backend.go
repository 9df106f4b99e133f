package kubelab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
)

// Backend is what runs in a pod.
type Backend interface {
	// Start starts what the pod is to run, which may listen on any port of the
	// address: nobody else has it. After an error it is called again, a little
	// later and with another address. The pod is to be left unchanged.
	//
	// The function that it gives ends what it started, and returns when that is
	// gone: at the latest after the grace, at once where that is 0. It may be
	// called again meanwhile, with less grace, and after that.
	Start(pod *core.Pod, ip string) (stop func(grace time.Duration), err error)
}

// BackendFunc is a function as a Backend.
type BackendFunc func(pod *core.Pod, ip string) (stop func(grace time.Duration), err error)

// Start calls the function.
func (f BackendFunc) Start(pod *core.Pod, ip string) (func(time.Duration), error) { return f(pod, ip) }

// HTTP gives a backend that is an HTTP server in this process, on each TCP port
// that a container of the pod declares. The handler of a pod is asked for once. A
// server that ends finishes the requests that it has, while there is grace.
func HTTP(handler func(*core.Pod) http.Handler) Backend {
	return BackendFunc(func(pod *core.Pod, ip string) (func(time.Duration), error) {
		listeners, err := listen(pod, ip)
		if err != nil {
			return nil, err
		}
		server := &http.Server{Handler: handler(pod), ReadHeaderTimeout: time.Minute}
		var serving sync.WaitGroup
		for _, l := range listeners {
			serving.Go(func() { _ = server.Serve(l) }) // until it is stopped
		}
		return func(grace time.Duration) {
			shutDown(server, grace)
			serving.Wait()
		}, nil
	})
}

// listen opens the TCP ports of a pod, all or none.
func listen(pod *core.Pod, ip string) (open []net.Listener, err error) {
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.Protocol != core.ProtocolTCP && p.Protocol != "" {
				continue
			}
			l, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(int(p.ContainerPort))))
			if err != nil {
				return nil, errors.Join(fmt.Errorf("opening port %q of pod %q: %w", p.Name, pod.Name, err), closeAll(open))
			}
			open = append(open, l)
		}
	}
	return open, nil
}

func closeAll(open []net.Listener) error {
	var errs []error
	for _, l := range open {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// shutDown ends a server, with its connections in the end.
func shutDown(server *http.Server, grace time.Duration) {
	if grace > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		_ = server.Shutdown(ctx) // what it says, Close mends
	}
	_ = server.Close()
}
