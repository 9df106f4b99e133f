package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/store"
)

const (
	// evidenceAfter is how long evidence alone may wait to be written.
	evidenceAfter = 5 * time.Second
	// retryAfter is how long a failed write waits before it is tried again.
	retryAfter = time.Second
	// beside is how many ConfigMaps are written at once.
	beside = 8
	// patience is how long one request may take.
	patience = 10 * time.Second
)

// pending is a write that is not durable yet, and what of it is left.
type pending struct {
	store.Write
	lazy time.Time // it may wait until then; zero: it may not
}

// Write queues a change and returns at once. The objects of a cluster are in the
// API server, so they are not kept here.
func (s *Store) Write(w store.Write) {
	w.Objects = nil
	p := &pending{Write: w}
	if len(w.Journal)+len(w.Delete)+len(w.Envoys)+len(w.Releases) == 0 && w.Freeze == nil && w.Done == nil {
		p.lazy = time.Now().Add(evidenceAfter)
	}
	s.mu.Lock()
	s.queue = append(s.queue, p)
	s.mu.Unlock()
	s.rewake()
}

func (s *Store) rewake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run writes what is queued until the context ends, and then what is left. An
// error wraps ErrSuperseded.
func (s *Store) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		again, err := s.flush(false)
		if err != nil {
			return err
		}
		timer.Reset(again)
		select {
		case <-s.wake:
		case <-timer.C:
		case <-ctx.Done():
			_, err := s.flush(true)
			return err
		}
	}
}

// flush writes what is queued and may not wait, or all of it. It gives the time
// until the next is due.
func (s *Store) flush(all bool) (again time.Duration, err error) {
	batch, again := s.take(all)
	if len(batch) == 0 {
		return again, nil
	}
	failed := s.commit(batch)
	var rest []*pending
	for _, p := range batch {
		if p.left() == 0 {
			if p.Done != nil {
				p.Done()
			}
			continue
		}
		rest = append(rest, p)
		if p.Failed != nil {
			p.Failed(failed)
		}
	}
	if errors.Is(failed, ErrSuperseded) {
		return 0, failed
	}
	if len(rest) == 0 {
		return again, nil
	}
	s.log.Warn("states cannot be written: it is tried again", "error", failed)
	s.mu.Lock()
	s.queue = append(rest, s.queue...)
	s.mu.Unlock()
	return retryAfter, nil
}

// take takes the queue, if something in it is due.
func (s *Store) take(all bool) (batch []*pending, again time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	again, due, now := time.Hour, all, time.Now()
	for _, p := range s.queue {
		if p.lazy.IsZero() || !now.Before(p.lazy) {
			due = true
		} else {
			again = min(again, p.lazy.Sub(now))
		}
	}
	if !due {
		return nil, again
	}
	batch, s.queue = s.queue, nil
	return batch, time.Hour
}

// left counts what of the write is not durable.
func (p *pending) left() int {
	n := len(p.Put) + len(p.Delete) + len(p.Journal)
	if p.ofServer() {
		n++
	}
	return n
}

func (p *pending) ofServer() bool { return p.Freeze != nil || p.Envoys != nil || p.Releases != nil }

// commit writes each ConfigMap that the batch changes once, and takes off the
// batch what is durable.
func (s *Store) commit(batch []*pending) error {
	keys, server := map[api.Key]bool{}, false
	for _, p := range batch {
		for key := range p.Put {
			keys[key] = true
		}
		for key := range p.Journal {
			keys[key] = true
		}
		for _, key := range p.Delete {
			keys[key] = true
		}
		server = server || p.ofServer()
	}
	group, errs := errgroup.Group{}, make(chan error, len(keys)+1)
	group.SetLimit(beside)
	durable := make(chan api.Key, len(keys))
	for _, key := range slices.SortedFunc(maps.Keys(keys), api.Key.Compare) {
		group.Go(func() error {
			if err := s.put(objectName(key), ofRollout, func(m *corev1.ConfigMap) error { return change(m, key, batch) }); err != nil {
				errs <- err
			} else {
				durable <- key
			}
			return nil
		})
	}
	if server {
		if err := s.put(serverName, ofServer, func(m *corev1.ConfigMap) error { return changeServer(m, batch) }); err != nil {
			errs <- err
		} else {
			for _, p := range batch {
				p.Freeze, p.Envoys, p.Releases = nil, nil, nil
			}
		}
	}
	_ = group.Wait() // each told its own error
	close(errs)
	close(durable)
	for key := range durable {
		for _, p := range batch {
			if lines := p.Journal[key]; len(lines) > 0 && s.journaled != nil {
				s.journaled(key, lines)
			}
			p.done(key)
		}
	}
	var err error
	for e := range errs {
		err = errors.Join(err, e)
	}
	return err
}

// done takes off what is of one Rollout.
func (p *pending) done(key api.Key) {
	// The maps are the caller's; they are copied before they are changed.
	if _, ok := p.Put[key]; ok {
		p.Put = maps.Clone(p.Put)
		delete(p.Put, key)
	}
	if _, ok := p.Journal[key]; ok {
		p.Journal = maps.Clone(p.Journal)
		delete(p.Journal, key)
	}
	p.Delete = slices.DeleteFunc(slices.Clone(p.Delete), func(k api.Key) bool { return k == key })
}

// change makes the batch's changes to the ConfigMap of a Rollout.
func change(m *corev1.ConfigMap, key api.Key, batch []*pending) error {
	m.Data[keyRollout] = key.String()
	for _, p := range batch {
		if of, ok := p.Put[key]; ok {
			text, err := json.Marshal(of)
			if err != nil {
				return err
			}
			m.Data[keyState] = string(text)
		}
		if slices.Contains(p.Delete, key) {
			delete(m.Data, keyState)
		}
		if err := appendEntries(m, p.Journal[key]); err != nil {
			return err
		}
	}
	return nil
}

// changeServer makes the batch's changes to what is of the whole server.
func changeServer(m *corev1.ConfigMap, batch []*pending) error {
	var of shared
	if text := m.Data[keyServer]; text != "" {
		if err := json.Unmarshal([]byte(text), &of); err != nil {
			return err
		}
	}
	for _, p := range batch {
		if p.Freeze != nil {
			of.Freeze = p.Freeze.Of
		}
		if p.Envoys != nil {
			of.Envoys = p.Envoys
		}
		if p.Releases != nil {
			of.Releases = p.Releases
		}
	}
	text, err := json.Marshal(of)
	m.Data[keyServer] = string(text)
	return err
}

// put writes one ConfigMap as it was read or written last, with changes.
func (s *Store) put(name, holds string, change func(*corev1.ConfigMap) error) error {
	s.mu.Lock()
	have := s.objects[name]
	s.mu.Unlock()
	m := fresh(s.namespace, name, holds)
	if have != nil {
		m = have.DeepCopy()
	}
	err := change(m)
	if err == nil {
		m, err = s.send(m, have != nil)
	}
	if err != nil {
		return fmt.Errorf("writing ConfigMap %s/%s: %w", s.namespace, name, err)
	}
	s.mu.Lock()
	s.objects[name] = m
	s.mu.Unlock()
	return nil
}

// send creates or updates a ConfigMap. One that is not as it was left is another
// server's now. It outlasts whoever stops the server: what is being written is
// written.
func (s *Store) send(m *corev1.ConfigMap, exists bool) (*corev1.ConfigMap, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out *corev1.ConfigMap
	var err error
	if exists {
		out, err = s.maps.Update(ctx, m, metav1.UpdateOptions{})
	} else {
		out, err = s.maps.Create(ctx, m, metav1.CreateOptions{})
	}
	switch {
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err) && exists:
		return nil, fmt.Errorf("%w: %w", ErrSuperseded, err)
	case err != nil:
		return nil, err
	}
	if out.BinaryData == nil {
		out.BinaryData = map[string][]byte{}
	}
	if out.Data == nil {
		out.Data = map[string]string{}
	}
	return out, nil
}
