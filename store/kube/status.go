package kube

import (
	"context"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/dynamic"

	"github.com/serin-mesh/serin/api"
)

const (
	// countsEvery is how often a status is written of which only counts and
	// evidence have changed.
	countsEvery = 10 * time.Second
	// statusesAt is how often changes are looked through that could not be written
	// or may wait, and how soon what others write is overwritten.
	statusesAt = time.Second
)

// Statuses writes what Serin says of Rollouts into the status of their objects: at
// once where a reader would want to know, and every ten seconds where only counts
// have changed. Nothing is written while nothing changes.
//
// With See it knows what the objects hold. Then a status is written onto the very
// object that was seen last: whoever writes in between is heard first, and what he
// says is an action, as the plugin of Argo Rollouts for kubectl has it. In the end
// the status says what is so.
type Statuses struct {
	client dynamic.Interface
	log    *slog.Logger
	act    func(context.Context, api.Key, api.Action) error // nil: nobody steers

	// What follows belongs to Run.

	known map[api.Key]*shown
	there map[object]*held
	acts  sync.WaitGroup
	acted chan api.Key

	mu   sync.Mutex // guards seen
	seen []sight
	wake chan struct{} // has a value when there is something in seen
}

// shown is what is known of one Rollout's status.
type shown struct {
	last    *api.Rollout // as the control loop has it
	due     bool         // last was not written
	stale   bool         // the object holds something else than was written
	acting  bool         // what somebody wrote is being done
	written time.Time
	essence string // what was written, counts left out
	text    string // what was written
}

// NewStatuses gives a writer that has written nothing. act does what is asked for
// through a status; nil: nothing is.
func NewStatuses(client dynamic.Interface, act func(context.Context, api.Key, api.Action) error, log *slog.Logger) *Statuses {
	return &Statuses{client: client, act: act, log: log, known: map[api.Key]*shown{}, there: map[object]*held{},
		acted: make(chan api.Key), wake: make(chan struct{}, 1)}
}

// Run writes what next gives until the context ends. next waits for changes, as
// (*control.Watch).Next does.
func (s *Statuses) Run(ctx context.Context, next func(context.Context) ([]api.Event, error)) error {
	events := make(chan []api.Event)
	ctx, cancel := context.WithCancel(ctx)
	s.acts.Go(func() { follow(ctx, next, events) })
	defer s.acts.Wait()
	defer cancel()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if s.flush(ctx) {
			timer.Reset(statusesAt)
		}
		select {
		case news, ok := <-events:
			if !ok {
				return nil
			}
			s.take(news)
		case <-s.wake:
			s.look(ctx)
		case key := <-s.acted:
			if of := s.known[key]; of != nil {
				of.acting = false
			}
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// follow hands on what next gives.
func follow(ctx context.Context, next func(context.Context) ([]api.Event, error), events chan<- []api.Event) {
	defer close(events)
	for {
		news, err := next(ctx)
		if err != nil {
			return
		}
		select {
		case events <- news:
		case <-ctx.Done():
			return
		}
	}
}

// take notes the newest statuses.
func (s *Statuses) take(events []api.Event) {
	for _, e := range events {
		if e.Rollout == nil {
			delete(s.known, api.Key{Namespace: e.Namespace, Name: e.Name})
			continue
		}
		key := api.KeyOf(e.Rollout)
		if s.known[key] == nil {
			s.known[key] = &shown{}
		}
		s.known[key].last, s.known[key].due = e.Rollout, true
	}
}

// flush writes what is due, and says whether something waits.
func (s *Statuses) flush(ctx context.Context) (waits bool) {
	for key, of := range s.known {
		if !of.due && !of.stale || of.acting {
			continue
		}
		waits = s.write(ctx, key, of) || waits
	}
	return waits
}

// write writes one status, if it is due, and says whether it has to wait.
func (s *Statuses) write(ctx context.Context, key api.Key, of *shown) (waits bool) {
	text, essence, err := render(of.last)
	switch since := time.Since(of.written); {
	case err != nil:
		s.log.Error("a status cannot be encoded", "rollout", key, "error", err)
		of.due, of.stale = false, false
		return false
	case text == of.text && !of.stale:
		of.due = false
		return false
	case essence == of.essence && (!of.stale && since < countsEvery || since < statusesAt):
		return true
	}
	id := objectOf(of.last)
	has := s.there[id]
	if has != nil && has.uid != of.last.UID {
		return true // it is another object of the name: what it says is to come
	}
	err = s.patch(ctx, id, has, text)
	switch {
	case apierrors.IsConflict(err): // somebody has written: what, is to be seen
		return true
	case err != nil:
		if ctx.Err() == nil {
			s.log.Warn("a status cannot be written: it is tried again", "rollout", key, "error", err)
		}
		return true
	}
	of.due, of.stale, of.text, of.essence, of.written = false, false, text, essence, time.Now()
	return false
}
