package store

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/serin-mesh/serin/api"
)

// Load gives what was saved. A file of which anything is missing or changed is
// an error that wraps ErrDamaged: to go on without it could give a canary more
// than its steps allow.
func (s *Store) Load() (Saved, error) {
	var saved Saved
	err := guarded(func() error { return s.db.View(saved.read) })
	if err != nil {
		return Saved{}, fmt.Errorf("reading the data file %q: %w%s", s.path, err, remedy(err))
	}
	return saved, nil
}

// read reads everything but the journals.
func (saved *Saved) read(tx *bbolt.Tx) error {
	saved.Rollouts = map[api.Key]Rollout{}
	err := tx.Bucket(bucketRollouts).ForEach(func(k, v []byte) error {
		var r Rollout
		err := readJSON(k, v, &r)
		saved.Rollouts[parseKey(k)] = r
		return err
	})
	if err != nil {
		return err
	}
	meta := tx.Bucket(bucketMeta)
	for _, one := range []struct {
		key  []byte
		into any
	}{{keyFreeze, &saved.Freeze}, {keyEnvoys, &saved.Envoys}, {keyReleases, &saved.Releases}} {
		if raw := meta.Get(one.key); raw != nil {
			if err := readJSON(one.key, raw, one.into); err != nil {
				return err
			}
		}
	}
	if err := saved.readObjects(tx); err != nil {
		return err
	}
	return saved.complete(tx)
}

func (saved *Saved) readObjects(tx *bbolt.Tx) error {
	objects := tx.Bucket(bucketObjects)
	if objects == nil {
		return nil
	}
	saved.Objects = map[string][]byte{}
	return objects.ForEach(func(k, v []byte) error {
		data, err := unsealed(k, v)
		saved.Objects[string(k)] = append([]byte{}, data...)
		return err
	})
}

// complete says whether all of what was written was read.
func (saved *Saved) complete(tx *bbolt.Tx) error {
	want, err := counts(tx)
	if err != nil {
		return err
	}
	if have := (counted{len(saved.Rollouts), len(saved.Objects)}); have != want {
		return fmt.Errorf("%w: it holds %d Rollouts of %d and %d objects of %d",
			ErrDamaged, have.Rollouts, want.Rollouts, have.Objects, want.Objects)
	}
	return nil
}

// Journal gives the history of a Rollout, the oldest entry first; empty where
// there is none. A journal that lacks a line is an error.
func (s *Store) Journal(key api.Key) ([]Entry, error) {
	var entries []Entry
	err := guarded(func() error {
		return s.db.View(func(tx *bbolt.Tx) (err error) {
			entries, err = readJournal(tx.Bucket(bucketJournal).Bucket([]byte(key.String())))
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading the journal of %q in the data file %q: %w%s", key, s.path, err, remedy(err))
	}
	return entries, nil
}

func readJournal(b *bbolt.Bucket) ([]Entry, error) {
	if b == nil {
		return nil, nil
	}
	var entries []Entry
	err := b.ForEach(func(k, v []byte) error {
		var e Entry
		if err := readJSON(k, v, &e); err != nil {
			return err
		}
		e.Seq = binary.BigEndian.Uint64(k)
		entries = append(entries, e)
		if want := uint64(len(entries)); e.Seq != want {
			return fmt.Errorf("%w: line %d comes where line %d should", ErrDamaged, e.Seq, want)
		}
		return nil
	})
	if err == nil && uint64(len(entries)) != b.Sequence() {
		err = fmt.Errorf("%w: it has %d lines of %d", ErrDamaged, len(entries), b.Sequence())
	}
	return entries, err
}
