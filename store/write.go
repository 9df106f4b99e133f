package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// Write is one change that becomes durable as a whole.
type Write struct {
	Put     map[api.Key]Rollout // states to keep
	Delete  []api.Key           // Rollouts to forget; their journals stay
	Journal map[api.Key][]Entry // lines to append; Seq is given by the store
	Objects map[string][]byte   // replaces all objects; nil: they stay
	Freeze  *Freeze             // begins or ends the freeze of all; nil: it stays
	Envoys  Envoys              // replaces who is connected; nil: it stays
	// Releases replaces those of all Releases; nil: they stay.
	Releases map[string]Release

	// Done is called when the write is durable, Failed at each attempt that
	// was not; from the store's goroutine, so they must not block. Either may
	// be nil.
	Done   func()
	Failed func(error)
}

// Freeze is the freeze of all Rollouts as it is from now on.
type Freeze struct {
	Of *rollout.Freeze // nil: there is none
}

// Write queues a change and returns at once.
func (s *Store) Write(w Write) {
	s.mu.Lock()
	s.queue = append(s.queue, w)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// retryAfter is how long a failed write waits before it is tried again.
const retryAfter = time.Second

// Run commits what is queued until the context ends, and then what is left.
func (s *Store) Run(ctx context.Context) error {
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return s.flush()
		}
		if err := s.flush(); err != nil {
			select {
			case <-time.After(retryAfter):
				s.rewake()
			case <-ctx.Done():
				return s.flush()
			}
		}
	}
}

func (s *Store) rewake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// flush commits everything queued in one transaction. What fails stays queued
// in front.
func (s *Store) flush() error {
	s.mu.Lock()
	batch := s.queue
	s.queue = nil
	s.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	if err := s.commit(batch); err != nil {
		s.mu.Lock()
		s.queue = append(batch, s.queue...)
		s.mu.Unlock()
		for _, w := range batch {
			if w.Failed != nil {
				w.Failed(err)
			}
		}
		return err
	}
	for _, w := range batch {
		if w.Done != nil {
			w.Done()
		}
	}
	return nil
}

func (s *Store) commit(batch []Write) error {
	if err := s.whyBroken(); err != nil {
		return err
	}
	err := guarded(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error { return applyAll(tx, batch) })
	})
	if err == nil {
		return nil
	}
	err = fmt.Errorf("writing the data file %q: %w%s", s.path, err, cmp.Or(remedy(err), seeWhy))
	if errors.Is(err, ErrDamaged) {
		s.mu.Lock()
		s.broken = err
		s.mu.Unlock()
	}
	return err
}

// seeWhy is the remedy where bbolt does not hand on what the system said. It
// often is a disk without room.
const seeWhy = ": make room on the disk, or see why it cannot be written"

// applyAll applies the writes in their order and counts what is there then.
func applyAll(tx *bbolt.Tx, batch []Write) error {
	had, err := counts(tx)
	if err != nil {
		return err
	}
	have := had
	for _, w := range batch {
		if err := apply(tx, w, &have); err != nil {
			return err
		}
	}
	if have == had {
		return nil
	}
	return putJSON(tx.Bucket(bucketMeta), keyCounts, have)
}

// applyStates keeps and forgets states.
func applyStates(rollouts *bbolt.Bucket, w Write, have *counted) error {
	for key, r := range w.Put {
		name := []byte(key.String())
		if rollouts.Get(name) == nil {
			have.Rollouts++
		}
		if err := putJSON(rollouts, name, r); err != nil {
			return err
		}
	}
	for _, key := range w.Delete {
		name := []byte(key.String())
		if rollouts.Get(name) != nil {
			have.Rollouts--
		}
		if err := rollouts.Delete(name); err != nil {
			return err
		}
	}
	return nil
}

func apply(tx *bbolt.Tx, w Write, have *counted) error {
	if err := applyStates(tx.Bucket(bucketRollouts), w, have); err != nil {
		return err
	}
	for key, entries := range w.Journal {
		if err := appendJournal(tx, key, entries); err != nil {
			return err
		}
	}
	if w.Freeze != nil {
		if err := putJSON(tx.Bucket(bucketMeta), keyFreeze, w.Freeze.Of); err != nil {
			return err
		}
	}
	if w.Envoys != nil {
		if err := putJSON(tx.Bucket(bucketMeta), keyEnvoys, w.Envoys); err != nil {
			return err
		}
	}
	if w.Releases != nil {
		if err := putJSON(tx.Bucket(bucketMeta), keyReleases, w.Releases); err != nil {
			return err
		}
	}
	return replaceObjects(tx, w.Objects, have)
}

func appendJournal(tx *bbolt.Tx, key api.Key, entries []Entry) error {
	b, err := tx.Bucket(bucketJournal).CreateBucketIfNotExists([]byte(key.String()))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Seq, err = b.NextSequence(); err != nil {
			return err
		}
		if err := putJSON(b, binary.BigEndian.AppendUint64(nil, e.Seq), e); err != nil {
			return err
		}
	}
	return nil
}

func replaceObjects(tx *bbolt.Tx, objects map[string][]byte, have *counted) error {
	if objects == nil {
		return nil
	}
	have.Objects = len(objects)
	if tx.Bucket(bucketObjects) != nil {
		if err := tx.DeleteBucket(bucketObjects); err != nil {
			return err
		}
	}
	b, err := tx.CreateBucket(bucketObjects)
	if err != nil {
		return err
	}
	for path, content := range objects {
		if err := b.Put([]byte(path), sealed([]byte(path), content)); err != nil {
			return err
		}
	}
	return nil
}
