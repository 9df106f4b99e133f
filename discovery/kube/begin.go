package kube

import (
	"context"
	"sync"
	"time"

	"github.com/serin-mesh/serin/api"
)

// watches gives the watches of a kind, one a namespace.
func (s *Source) watches(f found) (out []*watch) {
	if f.resource.cluster {
		w := s.watch(f, "")
		// Who may read some namespaces only may not read what is in none.
		w.optional = s.opts.Namespaces[0] != ""
		return []*watch{w}
	}
	for _, namespace := range s.opts.Namespaces {
		out = append(out, s.watch(f, namespace))
	}
	return out
}

// watch gives a watch that has not begun.
func (s *Source) watch(f found, namespace string) *watch {
	return &watch{
		resource: f.resource, version: f.version, namespace: namespace,
		tell: s.teller(), inbox: s.inbox, known: map[api.Key]string{}, opts: &s.opts,
	}
}

// begin runs a watch.
func (s *Source) begin(ctx context.Context, w *watch) {
	ctx, w.stop = context.WithCancel(ctx)
	s.running.Go(func() { w.run(ctx, s.clients) })
}

// teller logs the errors of one watch, each of them once a while, and that they
// are over.
func (s *Source) teller() func(*watch, error) {
	var mu sync.Mutex // lists and watches may overlap
	var last string
	var at time.Time
	return func(w *watch, err error) {
		mu.Lock()
		defer mu.Unlock()
		switch now := time.Now(); {
		case err == nil && last != "":
			s.opts.Log.Info("read from Kubernetes again", "what", w.String())
			last = ""
		case err != nil && (err.Error() != last || now.Sub(at) > quiet):
			s.opts.Log.Warn("cannot read from Kubernetes: what is known stays", "what", w.String(), "error", err)
			last, at = err.Error(), now
		}
	}
}

// quiet is how long an error of a watch is not told again.
const quiet = time.Minute
