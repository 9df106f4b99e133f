package store

import (
	"encoding/json"
	"strings"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// FileName is the name of the data file in the data folder.
const FileName = "serin.db"

// format is the version of the layout below. A file of another one is refused.
const format = "2"

// formatWithoutSums is the one before: its values had no sums.
const formatWithoutSums = "1"

// The buckets of the file.
var (
	bucketMeta     = []byte("meta")     // "format" -> format
	bucketRollouts = []byte("rollouts") // NAMESPACE/NAME -> Rollout
	bucketJournal  = []byte("journal")  // NAMESPACE/NAME -> bucket: sequence -> Entry
	bucketObjects  = []byte("objects")  // path of a file -> its content
	keyFormat      = []byte("format")
	keyCounts      = []byte("counts")   // in meta: see counted
	keyFreeze      = []byte("freeze")   // in meta: a freeze of all Rollouts
	keyEnvoys      = []byte("envoys")   // in meta: who is connected
	keyReleases    = []byte("releases") // in meta: the Releases
)

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

	// mu guards the queue and broken; wake has room for one token.
	mu    sync.Mutex
	queue []Write
	wake  chan struct{}
	// broken is why nothing is written any more: bbolt panicked in the midst of a
	// transaction, whose locks it holds for ever.
	broken error
}

// Close closes the file. Writes that were not durable are lost, so Run must
// have returned before. A file that was found damaged while it was written is
// left to the end of the process.
func (s *Store) Close() error {
	if s.whyBroken() != nil {
		return nil
	}
	return s.db.Close()
}

func (s *Store) whyBroken() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

func parseKey(b []byte) api.Key {
	ns, name, _ := strings.Cut(string(b), "/")
	return api.Key{Namespace: ns, Name: name}
}
