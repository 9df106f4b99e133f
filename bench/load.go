package main

import (
	"context"
	"sync"
	"time"

	"github.com/serin-mesh/serin/internal/lab"
)

// load sends requests for the application to the rig's Gateway, from now until
// stop or the rig's close, which wait for the last answer. observe may be nil.
func (r *rig) load(ctx context.Context, rate float64, observe func(lab.Result)) (l *lab.Load, stop func() lab.Counts, err error) {
	l, err = lab.NewLoad(lab.LoadOptions{Targets: []string{r.target()}, Host: appHost, Rate: rate,
		Connections: connections, Observe: observe})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = l.Run(ctx) // it ends with the context, and says no more
	}()
	stop = sync.OnceValue(func() lab.Counts {
		cancel()
		<-done
		return l.Counts()
	})
	r.onClose(func() error { stop(); return nil })
	return l, stop, nil
}

// connections is how many a load begins with: enough that the kernel spreads
// them over the Envoys that share a port.
const connections = 32

// sighting waits for the first answer of a version.
type sighting struct {
	mu    sync.Mutex // guards want
	want  string     // empty: nothing is waited for
	found chan time.Time
}

func newSighting() *sighting { return &sighting{found: make(chan time.Time, 1)} }

// expect starts to look for a version.
func (s *sighting) expect(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.want = version
}

// observe looks at an answer.
func (s *sighting) observe(r lab.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.want != "" && r.Version == s.want {
		s.want = ""
		s.found <- time.Now() // has room: it is taken before the next is expected
	}
}

// wait gives when the version was first seen.
func (s *sighting) wait(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case at := <-s.found:
		return at, nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}
