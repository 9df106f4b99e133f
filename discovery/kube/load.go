package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/serin-mesh/serin/discovery"
)

// Load begins to watch and gives the first set, when all that the API server
// serves has been read. It waits for an API server that does not answer; the
// error says what was waited for when ctx ended. What Load begins lives until
// Run returns, or until Close.
func (s *Source) Load(ctx context.Context) (discovery.Result, error) {
	r, err := s.load(ctx)
	if err != nil {
		s.Close()
	}
	return r, err
}

func (s *Source) load(ctx context.Context) (discovery.Result, error) {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.end = cancel
	s.start = func(w *watch) { s.begin(inner, w) }
	f := &finder{clients: s.clients, missing: custom(s.opts.AdoptArgo)}
	if err := f.await(ctx); err != nil {
		return discovery.Result{}, err
	}
	there, err := s.first(ctx, f)
	if err != nil {
		return discovery.Result{}, err
	}
	for _, w := range there {
		s.base[w] = true
		s.start(w)
	}
	if err := s.gather(ctx); err != nil {
		return discovery.Result{}, err
	}
	s.running.Go(func() { s.seek(inner, f) })
	r, _ := s.model.result()
	return r, nil
}

// first gives the watches to begin with.
func (s *Source) first(ctx context.Context, f *finder) ([]*watch, error) {
	var out []*watch
	for _, r := range core {
		out = append(out, s.watches(found{r, r.versions[0]})...)
	}
	for {
		found, err := f.look()
		if err == nil {
			for _, one := range found {
				out = append(out, s.watches(one)...)
			}
			return out, nil
		}
		s.opts.Log.Warn("the Kubernetes API does not answer; asking again", "error", err)
		if !pause(ctx, retry) {
			return nil, err
		}
	}
}

// gather waits until everything has been read, then what that names, then what
// that names.
func (s *Source) gather(ctx context.Context) error {
	for {
		for len(s.base) > 0 {
			select {
			case <-ctx.Done():
				return fmt.Errorf("reading from Kubernetes: %w; still waiting for %s", ctx.Err(), s.waiting())
			case <-s.inbox.ready:
				s.take()
			}
		}
		s.model.settle()
		for _, w := range s.follow() {
			s.base[w] = true
		}
		if len(s.base) == 0 {
			return nil
		}
	}
}

// waiting lists what has not been read.
func (s *Source) waiting() string {
	var names []string
	for w := range s.base {
		names = append(names, w.String())
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// seek looks for kinds that are not served yet, until all are.
func (s *Source) seek(ctx context.Context, f *finder) {
	for len(f.missing) > 0 && pause(ctx, s.opts.Look) {
		found, err := f.look()
		if err != nil {
			continue // the watches tell of an API server that does not answer
		}
		for _, one := range found {
			s.opts.Log.Info("a kind is served now, and is read", "kind", one.resource.kind, "group", one.resource.group)
			for _, w := range s.watches(one) {
				s.start(w)
			}
		}
	}
}
