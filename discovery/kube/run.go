package kube

import (
	"context"
	"sync"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/discovery"
)

// Run calls out with a Result for each change set, until ctx ends; then it gives
// nil. It ends what Load began, and is called once.
func (s *Source) Run(ctx context.Context, out func(discovery.Result)) error {
	defer s.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.inbox.ready:
		}
		s.take()
		s.model.settle()
		s.follow()
		s.model.settle() // a Secret that nobody names any more went
		if r, news := s.model.result(); news && ctx.Err() == nil {
			out(r)
		}
	}
}

// take has the model see what is in the inbox.
func (s *Source) take() {
	events, synced := s.inbox.take()
	for n, e := range events {
		if e.from.single == "" || s.named[n] == e.from {
			s.model.see(n, e.item)
		}
	}
	for _, w := range synced {
		delete(s.base, w)
		if n := w.only(); w.single != "" && s.named[n] == w {
			s.model.knowWorkload(n)
		}
	}
}

// follow watches what objects name, and nothing that they no longer do. It gives
// the watches that it began.
func (s *Source) follow() (begun []*watch) {
	if !s.model.wanted {
		return nil
	}
	s.model.wanted = false
	wanted := s.model.singles()
	for n, w := range s.named {
		if !wanted[n] {
			w.stop()
			delete(s.named, n)
			delete(s.base, w)
			s.model.drop(n)
		}
	}
	for n := range wanted {
		if s.named[n] == nil {
			r := single[n.kind]
			w := s.watch(found{r, r.versions[0]}, n.key.Namespace)
			w.single, w.optional = n.key.Name, true
			s.named[n] = w
			s.start(w)
			begun = append(begun, w)
		}
	}
	return begun
}

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
