package control_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/store"
)

// connected says what the store knows of who is connected.
func (w *world) connected() store.Envoys {
	synctest.Wait()
	w.disk.mu.Lock()
	defer w.disk.mu.Unlock()
	return w.disk.saved.Envoys
}

func TestWhoIsConnectedIsStored(t *testing.T) {
	inWorld(t, func(w *world) {
		check := func(when string, want store.Envoys) {
			t.Helper()
			if d := cmp.Diff(want, w.connected()); d != "" {
				t.Errorf("%s: (-want +got)\n%s", when, d)
			}
		}
		time.Sleep(time.Second)
		check("nothing has changed", nil)
		w.fleet.members.Add(1)
		w.fleet.signal()
		w.fleet.members.Add(1)
		w.fleet.signal()
		check("it is not stored at each change", nil)
		time.Sleep(500 * time.Millisecond)
		check("soon after", store.Envoys{"default/edge": {"e2"}})
		w.fleet.members.Add(1)
		w.stop()
		check("at the end", store.Envoys{"default/edge": {"e3"}})
	})
}

func TestStored(t *testing.T) {
	inWorld(t, func(w *world) {
		w.disk.setSlow(true)
		w.objects("v2", 1, 1)
		done := make(chan error, 1)
		wait := func() { done <- w.Stored(context.Background()) }
		ended := func() bool {
			synctest.Wait()
			return len(done) > 0
		}
		go wait()
		if ended() {
			t.Error("stored, and nothing is durable")
		}
		w.disk.flush(nil)
		if !ended() || <-done != nil {
			t.Error("not stored, and all is durable")
		}
		w.disk.setSlow(false)
		w.disk.flush(nil)
		go wait()
		if !ended() || <-done != nil {
			t.Error("nothing was pending, and it waits")
		}
	})
}

// TestAnAbortThatIsNotStoredSaysSo: it is in force, and a crash would forget it.
func TestAnAbortThatIsNotStoredSaysSo(t *testing.T) {
	inWorld(t, func(w *world) {
		w.objects("v2", 1, 1)
		w.has(20)
		w.disk.setSlow(true)
		go func() { _, _ = w.Act(context.Background(), shop, api.Action{Verb: "abort", Actor: "ana"}) }()
		synctest.Wait()
		w.disk.flush(errors.New("disk full"))
		w.has(0)
		if msg := w.decided().Message; !strings.Contains(msg, "aborted by ana") || !strings.Contains(msg, "would be forgotten in a crash: disk full") {
			t.Errorf("the message is %q", msg)
		}
		w.disk.setSlow(false)
		w.disk.flush(nil)
		if msg := w.status().Message; strings.Contains(msg, "forgotten") {
			t.Errorf("stored, and the message is %q", msg)
		}
	})
}
