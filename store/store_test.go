package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var shop = api.Key{Namespace: "default", Name: "shop"}

// open opens the store of a folder and runs it until the test, or the returned
// function, ends it.
func open(t *testing.T, dir string) (*store.Store, func()) {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ended := false
	end := func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(end)
	return s, end
}

// write writes and waits until it is durable.
func write(t *testing.T, s *store.Store, w store.Write) {
	t.Helper()
	done := make(chan struct{})
	w.Done = func() { close(done) }
	w.Failed = func(err error) { t.Errorf("writing: %v", err) }
	s.Write(w)
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the write did not become durable")
	}
}

func TestWhatWasWrittenIsLoaded(t *testing.T) {
	dir := t.TempDir()
	want := store.Rollout{
		State: rollout.State{}.Apply(rollout.Record{Kind: rollout.FirstVersion, Version: "v1"}).
			Apply(rollout.Record{Kind: rollout.CanaryStarted, Version: "v2"}),
		Service:  api.Key{Namespace: "default", Name: "shop-svc"},
		Evidence: json.RawMessage(`{"attempt":1}`),
	}
	s, end := open(t, dir)
	write(t, s, store.Write{
		Put:     map[api.Key]store.Rollout{shop: want},
		Objects: map[string][]byte{"a/b.yaml": []byte("kind: Service")},
		Freeze:  &store.Freeze{Of: &rollout.Freeze{Actor: "ana"}},
		Envoys:  store.Envoys{"default/edge": {"e1", "e2"}},
	})
	end()

	s, _ = open(t, dir)
	got, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Rollouts[shop]); diff != "" {
		t.Errorf("rollout (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]byte{"a/b.yaml": []byte("kind: Service")}, got.Objects); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if got.Freeze == nil || got.Freeze.Actor != "ana" {
		t.Errorf("freeze %+v", got.Freeze)
	}
	envoys := map[api.Key][]string{{Namespace: "default", Name: "edge"}: {"e1", "e2"}}
	if diff := cmp.Diff(envoys, got.Envoys.ByGateway()); diff != "" {
		t.Errorf("envoys (-want +got):\n%s", diff)
	}
	write(t, s, store.Write{Delete: []api.Key{shop}, Objects: map[string][]byte{}, Freeze: &store.Freeze{}})
	if got, err = s.Load(); err != nil || len(got.Rollouts) != 0 || len(got.Objects) != 0 || got.Freeze != nil {
		t.Errorf("after deletion: %+v, %v", got, err)
	}
}

func TestObjectsNeverAcceptedAreNil(t *testing.T) {
	s, _ := open(t, t.TempDir())
	if got, err := s.Load(); err != nil || got.Objects != nil {
		t.Errorf("%v, %v", got.Objects, err)
	}
}

func TestJournalKeepsOrderAndOutlivesTheRollout(t *testing.T) {
	s, _ := open(t, t.TempDir())
	for _, kinds := range [][]rollout.Kind{{rollout.FirstVersion, rollout.CanaryStarted}, {rollout.AbortedKind}} {
		var lines []store.Entry
		for _, k := range kinds {
			lines = append(lines, store.Entry{Record: rollout.Record{Kind: k}})
		}
		write(t, s, store.Write{Journal: map[api.Key][]store.Entry{shop: lines}})
	}
	write(t, s, store.Write{Delete: []api.Key{shop}})
	entries, err := s.Journal(shop)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, e := range entries {
		if e.Seq != uint64(i+1) {
			t.Errorf("entry %d has sequence %d", i, e.Seq)
		}
		got = append(got, string(e.Record.Kind))
	}
	if diff := cmp.Diff([]string{"FirstVersion", "CanaryStarted", "Aborted"}, got); diff != "" {
		t.Error(diff)
	}
	if other, err := s.Journal(api.Key{Namespace: "default", Name: "other"}); err != nil || len(other) != 0 {
		t.Errorf("a journal from nowhere: %v, %v", other, err)
	}
}

func TestWritesBecomeDurableInOrder(t *testing.T) {
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	order := make(chan int, 100)
	for i := range 100 { // queued before anybody writes, so in few transactions
		s.Write(store.Write{Done: func() { order <- i }})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := errors.Join(s.Run(ctx), s.Close()); err != nil { // an ended context still writes what is queued
		t.Fatal(err)
	}
	for want := range 100 {
		if got := <-order; got != want {
			t.Fatalf("write %d became durable when %d should have", got, want)
		}
	}
}

func TestAFailedWriteIsToldAndKept(t *testing.T) {
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	failed, done := make(chan error, 10), false
	// bbolt refuses an empty key, as a full disk would refuse a page.
	s.Write(store.Write{Objects: map[string][]byte{"": nil}, Failed: func(err error) { failed <- err }, Done: func() { done = true }})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx); err == nil || !strings.Contains(err.Error(), store.FileName) {
		t.Errorf("running: %v", err)
	}
	if len(failed) == 0 || done {
		t.Errorf("%d failures told, done %v", len(failed), done)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestBadDataFiles(t *testing.T) {
	tests := map[string]struct {
		prepare func(t *testing.T, dir string)
		want    string
	}{
		"in use by another server": {func(t *testing.T, dir string) { open(t, dir) }, "in use by another server: stop it"},
		"not a data file": {func(t *testing.T, dir string) {
			writeFile(t, dir, strings.Repeat("no database ", 4096))
		}, "damaged or not Serin's"},
		"of another format": {func(t *testing.T, dir string) {
			s, end := open(t, dir)
			_ = s
			end()
			setFormat(t, dir, "99")
		}, `format "99"`},
		"empty":              {func(t *testing.T, dir string) { writeFile(t, dir, "") }, "it is empty: move it away"},
		"of another program": {func(t *testing.T, dir string) { foreign(t, dir) }, "damaged or not Serin's"},
		"a file where the folder should be": {func(t *testing.T, dir string) {
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "creating the data folder"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			tt.prepare(t, dir)
			s, err := store.Open(dir)
			if err == nil {
				_ = s.Close()
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v lacks %q", err, tt.want)
			}
		})
	}
}

func writeFile(t *testing.T, dir, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, store.FileName), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func setFormat(t *testing.T, dir, format string) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, store.FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte(format)) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// foreign makes a data file as another program that uses bbolt would.
func foreign(t *testing.T, dir string) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, store.FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
