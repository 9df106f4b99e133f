package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// FileName is the name of the data file in the data folder.
const FileName = "serin.db"

// format is the version of the layout below. A file of another one is refused.
const format = "1"

// The buckets of the file.
var (
	bucketMeta     = []byte("meta")     // "format" -> format
	bucketRollouts = []byte("rollouts") // NAMESPACE/NAME -> Rollout
	bucketJournal  = []byte("journal")  // NAMESPACE/NAME -> bucket: sequence -> Entry
	bucketObjects  = []byte("objects")  // path of a file -> its content
	keyFormat      = []byte("format")
	keyFreeze      = []byte("freeze")   // in meta: a freeze of all Rollouts
	keyEnvoys      = []byte("envoys")   // in meta: who is connected
	keyReleases    = []byte("releases") // in meta: the Releases
)

// ErrInUse is wrapped by Open when another server has the data file open.
var ErrInUse = errors.New("in use by another server")

// Rollout is what is kept of one Rollout. Evidence is the judge's own encoding.
type Rollout struct {
	State    rollout.State   `json:"state"`
	Service  api.Key         `json:"service"` // whose traffic the state divides
	Evidence json.RawMessage `json:"evidence,omitempty"`
	Trials   json.RawMessage `json:"trials,omitempty"` // the checks, in control's own encoding

	Conditions []api.RolloutCondition `json:"conditions,omitempty"`
}

// Entry is one line of a journal.
type Entry struct {
	Seq      uint64         `json:"seq"`
	Record   rollout.Record `json:"record"`
	Version  string         `json:"version"` // after the record
	Stable   string         `json:"stable"`
	Step     int            `json:"step"`
	Weight   rollout.Weight `json:"weight"`
	Evidence []api.Evidence `json:"evidence,omitempty"`
}

// Saved is everything that a server needs to go on.
type Saved struct {
	Rollouts map[api.Key]Rollout
	Objects  map[string][]byte  // nil: none were ever accepted
	Freeze   *rollout.Freeze    // of all Rollouts; nil: there is none
	Envoys   Envoys             // who was connected
	Releases map[string]Release // by NAMESPACE/NAME
}

// Release is what a Release must remember of its members, by name.
type Release struct {
	Base   map[string]string `json:"base"`   // the stable versions before the change under way
	Aborts map[string]uint64 `json:"aborts"` // the last attempt whose abort was carried on
}

// Envoys are the ids of connected Envoys, by NAMESPACE/NAME of their Gateway.
type Envoys map[string][]string

// ByGateway gives the same by the Gateway's key.
func (e Envoys) ByGateway() map[api.Key][]string {
	out := make(map[api.Key][]string, len(e))
	for gateway, ids := range e {
		out[parseKey([]byte(gateway))] = ids
	}
	return out
}

// Store is an open data file. Its methods may be called from any goroutine.
type Store struct {
	db   *bbolt.DB
	path string

	// mu guards the queue; wake has room for one token.
	mu    sync.Mutex
	queue []Write
	wake  chan struct{}
}

// Open opens the data file in a folder, which it creates where absent.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the data folder %q: %w", dir, err)
	}
	path := filepath.Join(dir, FileName)
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 500 * time.Millisecond, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, openError(path, err)
	}
	s := &Store{db: db, path: path, wake: make(chan struct{}, 1)}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// openError says what a user can do about a file that does not open.
func openError(path string, err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("opening the data file %q: %w: stop it, or give this one another --data-dir", path, ErrInUse)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return fmt.Errorf("opening the data file %q: it is damaged or not Serin's (%w): move it away to start without history, or restore a copy", path, err)
	}
	return fmt.Errorf("opening the data file %q: %w", path, err)
}

// prepare makes the buckets, and refuses the file of another format.
func (s *Store) prepare() error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketRollouts, bucketJournal} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return fmt.Errorf("preparing the data file %q: %w", s.path, err)
			}
		}
		meta := tx.Bucket(bucketMeta)
		switch have := string(meta.Get(keyFormat)); have {
		case format:
			return nil
		case "":
			return meta.Put(keyFormat, []byte(format))
		default:
			return fmt.Errorf("the data file %q has format %s, this program reads %s: use the version of Serin that wrote it", s.path, have, format)
		}
	})
}

// Close closes the file. Writes that were not durable are lost, so Run must
// have returned before.
func (s *Store) Close() error { return s.db.Close() }

// Load gives what was saved.
func (s *Store) Load() (Saved, error) {
	saved := Saved{Rollouts: map[api.Key]Rollout{}}
	err := s.db.View(func(tx *bbolt.Tx) error {
		err := tx.Bucket(bucketRollouts).ForEach(func(k, v []byte) error {
			var r Rollout
			if err := json.Unmarshal(v, &r); err != nil {
				return fmt.Errorf("reading the state of %q in %q: %w", k, s.path, err)
			}
			saved.Rollouts[parseKey(k)] = r
			return nil
		})
		if err != nil {
			return err
		}
		if raw := tx.Bucket(bucketMeta).Get(keyFreeze); raw != nil {
			if err := json.Unmarshal(raw, &saved.Freeze); err != nil {
				return fmt.Errorf("reading the freeze in %q: %w", s.path, err)
			}
		}
		if raw := tx.Bucket(bucketMeta).Get(keyEnvoys); raw != nil {
			if err := json.Unmarshal(raw, &saved.Envoys); err != nil {
				return fmt.Errorf("reading who was connected in %q: %w", s.path, err)
			}
		}
		if raw := tx.Bucket(bucketMeta).Get(keyReleases); raw != nil {
			if err := json.Unmarshal(raw, &saved.Releases); err != nil {
				return fmt.Errorf("reading the releases in %q: %w", s.path, err)
			}
		}
		objects := tx.Bucket(bucketObjects)
		if objects == nil {
			return nil
		}
		saved.Objects = map[string][]byte{}
		return objects.ForEach(func(k, v []byte) error {
			saved.Objects[string(k)] = append([]byte(nil), v...)
			return nil
		})
	})
	return saved, err
}

// Journal gives the history of a Rollout, the oldest entry first; empty where
// there is none.
func (s *Store) Journal(key api.Key) ([]Entry, error) {
	var entries []Entry
	err := s.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketJournal).Bucket([]byte(key.String()))
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			var e Entry
			if err := json.Unmarshal(v, &e); err != nil {
				return fmt.Errorf("reading the journal of %q in %q: %w", key, s.path, err)
			}
			e.Seq = binary.BigEndian.Uint64(k)
			entries = append(entries, e)
			return nil
		})
	})
	return entries, err
}

func parseKey(b []byte) api.Key {
	ns, name, _ := strings.Cut(string(b), "/")
	return api.Key{Namespace: ns, Name: name}
}
