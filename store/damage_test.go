package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/store"
)

// This file damages data files at random places. It proves:
//
//  1. What is read of a damaged file is what some transaction left there, whole;
//     else it is refused with an error that says what to do. Nothing crashes.
//  2. A server whose file is cut short while it runs tells of it and goes on.
//  3. A file of the format without sums is read, and has them afterwards.

// contents is all that a file holds, in the order of the Rollouts.
type contents struct {
	Rollouts []store.Rollout
	Journals [][]store.Entry
	Objects  map[string][]byte
}

// someApps is how many Rollouts a file has that is to be damaged.
const someApps = 30

func appKey(i int) api.Key { return api.Key{Namespace: "default", Name: fmt.Sprintf("app%02d", i)} }

// fill writes a file in some transactions and gives what it held after each.
func fill(t *testing.T, dir string) []string {
	t.Helper()
	s, end := open(t, dir)
	var held []string
	write(t, s, store.Write{Objects: map[string][]byte{"a.yaml": []byte(strings.Repeat("kind: Service\n", 500)), "b.yaml": {}}})
	state := rollout.State{}
	for _, kind := range []rollout.Kind{rollout.FirstVersion, rollout.CanaryStarted, rollout.Prepared, rollout.AbortedKind} {
		r := rollout.Record{Kind: kind, Version: "v2", At: time.Unix(1, 0).UTC(), Message: strings.Repeat("because ", 9)}
		state = state.Apply(r)
		w := store.Write{Put: map[api.Key]store.Rollout{}, Journal: map[api.Key][]store.Entry{}}
		for i := range someApps {
			w.Put[appKey(i)] = store.Rollout{State: state}
			w.Journal[appKey(i)] = []store.Entry{{Record: r, Version: "v2"}}
		}
		write(t, s, w)
		held = append(held, mustRead(t, s))
	}
	end()
	return held
}

func mustRead(t *testing.T, s *store.Store) string {
	t.Helper()
	text, err := readAll(s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// readAll gives all that a file holds, as text.
func readAll(s *store.Store) (string, error) {
	saved, err := s.Load()
	if err != nil {
		return "", err
	}
	all := contents{Objects: saved.Objects}
	for i := range someApps {
		journal, err := s.Journal(appKey(i))
		if err != nil {
			return "", err
		}
		all.Rollouts = append(all.Rollouts, saved.Rollouts[appKey(i)])
		all.Journals = append(all.Journals, journal)
	}
	text, err := json.Marshal(all)
	return string(text), err
}

// damagesEach is how many files are damaged in each way.
const damagesEach = 60

// damages are what can happen to a file.
var damages = []struct {
	name string
	do   func(r *rand.Rand, data []byte) []byte
}{
	{"cut short", func(r *rand.Rand, data []byte) []byte { return data[:r.IntN(len(data))] }},
	{"one bit", func(r *rand.Rand, data []byte) []byte {
		data[r.IntN(len(data))] ^= 1 << r.IntN(8)
		return data
	}},
	{"some random bytes", func(r *rand.Rand, data []byte) []byte {
		at := r.IntN(len(data))
		for i := at; i < min(at+1+r.IntN(100), len(data)); i++ {
			data[i] = byte(r.Uint32())
		}
		return data
	}},
	{"a page of zeros", func(r *rand.Rand, data []byte) []byte {
		page := r.IntN(len(data) / os.Getpagesize())
		clear(data[page*os.Getpagesize() : (page+1)*os.Getpagesize()])
		return data
	}},
	{"a page twice", func(r *rand.Rand, data []byte) []byte {
		size := os.Getpagesize()
		from, to := r.IntN(len(data)/size), r.IntN(len(data)/size)
		copy(data[to*size:(to+1)*size], data[from*size:(from+1)*size])
		return data
	}},
}

func TestDamagedFiles(t *testing.T) {
	dir := t.TempDir()
	held := fill(t, dir)
	whole, err := os.ReadFile(filepath.Join(dir, store.FileName))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			refused := 0
			for seed := range uint64(damagesEach) {
				damaged := d.do(rand.New(rand.NewPCG(seed, 0)), append([]byte(nil), whole...))
				if err := judge(t, damaged, held); err == nil {
					continue
				} else if !strings.Contains(err.Error(), store.FileName) || !strings.Contains(err.Error(), "move it away") {
					if !strings.Contains(err.Error(), "use the version of Serin that wrote it") {
						t.Errorf("seed %d: the error says too little: %v", seed, err)
					}
				}
				refused++
			}
			t.Logf("%d of %d refused", refused, damagesEach)
			if refused == 0 {
				t.Error("nothing was refused")
			}
		})
	}
}

// judge opens a damaged file. One that opens must hold what some transaction
// left.
func judge(t *testing.T, data []byte, held []string) error {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, dir, string(data))
	s, err := store.Open(dir)
	if err != nil {
		return err
	}
	defer s.Close()
	got, err := readAll(s)
	if err != nil {
		return err
	}
	for _, h := range held {
		if got == h {
			return nil
		}
	}
	t.Errorf("it holds what nobody wrote (-wrote +has):\n%s", cmp.Diff(held[len(held)-1], got))
	return nil
}

func TestCutShortWhileItRuns(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir)
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, store.FileName), int64(2*os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Journal(appKey(0)); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("reading a journal: %v", err)
	}
	if _, err := s.Load(); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("loading: %v", err)
	}
	failed := make(chan error, 10)
	s.Write(store.Write{Freeze: &store.Freeze{}, Failed: func(err error) { failed <- err }})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for range 2 { // the second time bbolt would wait for itself
		if err := <-failed; !errors.Is(err, store.ErrDamaged) {
			t.Errorf("writing: %v", err)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, store.ErrDamaged) {
		t.Errorf("Run: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestFormatWithoutSums(t *testing.T) {
	dir := t.TempDir()
	held := fill(t, dir)
	path := filepath.Join(dir, store.FileName)
	stripSums(t, path)
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(held[len(held)-1], mustRead(t, s)); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ = open(t, dir) // now of the present format
	write(t, s, store.Write{Delete: []api.Key{appKey(0)}})
	if saved, err := s.Load(); err != nil || len(saved.Rollouts) != someApps-1 {
		t.Errorf("%d Rollouts, %v", len(saved.Rollouts), err)
	}
}

// stripSums makes a file as it was before there were sums.
func stripSums(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		err := tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { return stripBucket(b) })
		meta := tx.Bucket([]byte("meta"))
		return errors.Join(err, meta.Delete([]byte("counts")), meta.Put([]byte("format"), []byte("1")))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func stripBucket(b *bbolt.Bucket) error {
	values, inner := map[string][]byte{}, []string{}
	_ = b.ForEach(func(k, v []byte) error {
		if v == nil {
			inner = append(inner, string(k))
		} else if len(v) >= 4 {
			values[string(k)] = append([]byte{}, v[4:]...)
		}
		return nil
	})
	for k, v := range values {
		if err := b.Put([]byte(k), v); err != nil {
			return err
		}
	}
	for _, k := range inner {
		if err := stripBucket(b.Bucket([]byte(k))); err != nil {
			return err
		}
	}
	return nil
}
