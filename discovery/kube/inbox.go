package kube

import "sync"

// event is what became of one object.
type event struct {
	from *watch
	name name
	item *item // nil: it is gone
}

// inbox gathers what watches find until the Source looks. Of several events of
// one object it keeps the last, so it never holds more than there are objects.
type inbox struct {
	ready chan struct{} // has a value when there is something

	mu     sync.Mutex // guards what follows
	events map[name]event
	synced []*watch
}

func newInbox() *inbox {
	return &inbox{ready: make(chan struct{}, 1), events: map[name]event{}}
}

// put adds events, and that a watch has read all there is.
func (b *inbox) put(synced *watch, events ...event) {
	b.mu.Lock()
	for _, e := range events {
		b.events[e.name] = e
	}
	if synced != nil {
		b.synced = append(b.synced, synced)
	}
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take gives everything and empties the inbox.
func (b *inbox) take() (events map[name]event, synced []*watch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	events, synced = b.events, b.synced
	b.events, b.synced = map[name]event{}, nil
	return events, synced
}
