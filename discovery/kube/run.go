package kube

import (
	"context"

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
