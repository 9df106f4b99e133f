package control

import (
	"context"
	"sync"

	"github.com/serin-mesh/serin/api"
)

// Watch tells of changes. It holds at most the newest state of each Rollout, so
// a slow reader misses states in between, and never the last one.
type Watch struct {
	wake chan struct{} // has room for one token

	mu      sync.Mutex // guards what follows
	order   []api.Key
	pending map[api.Key]api.Event
}

// Watch begins to tell of changes; it starts with every Rollout as it is. It
// ends with the context.
func (c *Control) Watch(ctx context.Context) (*Watch, error) {
	w := &Watch{wake: make(chan struct{}, 1), pending: map[api.Key]api.Event{}}
	err := c.ask(ctx, func(l *loop) {
		l.watches[w] = true
		for _, of := range l.canaries {
			w.put(of.key, api.Event{Type: "rollout", Rollout: of.view(l)})
		}
	})
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { c.tell(func(l *loop) { delete(l.watches, w) }) })
	return w, nil
}

// Next waits for changes and gives them; it ends with the context.
func (w *Watch) Next(ctx context.Context) ([]api.Event, error) {
	for {
		if events := w.take(); len(events) > 0 {
			return events, nil
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (w *Watch) put(key api.Key, e api.Event) {
	w.mu.Lock()
	if _, ok := w.pending[key]; !ok {
		w.order = append(w.order, key)
	}
	w.pending[key] = e
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *Watch) take() []api.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []api.Event
	for _, key := range w.order {
		out = append(out, w.pending[key])
		delete(w.pending, key)
	}
	w.order = nil
	return out
}

// show tells the watches of the rollouts that changed: at once where the state
// did, and every so often where only counts did.
func (l *loop) show() {
	if len(l.watches) == 0 {
		clear(l.dirty)
		return
	}
	all := l.now.Sub(l.shownAt) >= showEvery
	if all {
		l.shownAt = l.now
	}
	for c := range l.dirty {
		shape := c.shape(l)
		if !all && shape == c.shown {
			continue
		}
		c.shown = shape
		delete(l.dirty, c)
		view := c.view(l)
		for w := range l.watches {
			w.put(c.key, api.Event{Type: "rollout", Rollout: view})
		}
	}
}

// shape is what a reader wants to see at once.
type shape struct {
	phase      string
	step       int
	generation uint64
	acked      int
	connected  int
	message    string
	findings   int
}

func (c *canary) shape(l *loop) shape {
	return shape{string(c.state.Phase(c.spec)), c.state.Step, c.state.Generation,
		c.progress.Acked, c.progress.Connected, c.message(l), len(l.findings)}
}

func (l *loop) showRemoved(key api.Key) {
	for w := range l.watches {
		w.put(key, api.Event{Type: "removed", Namespace: key.Namespace, Name: key.Name})
	}
}
