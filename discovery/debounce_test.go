package discovery

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// TestSoon proves that a look waits for quiet, but not for ever.
func TestSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watcher{folder: NewFolder("x", Options{Debounce: 50 * time.Millisecond})}
		w.wait = time.NewTimer(time.Hour)
		begin := time.Now()
		w.soon()
		<-w.wait.C
		if waited := time.Since(begin); waited != 50*time.Millisecond {
			t.Errorf("a single event waits %s, want the debounce", waited)
		}
		w.pending = time.Time{}
		begin = time.Now()
		for done := false; !done; {
			w.soon()
			select {
			case <-w.wait.C:
				done = true
			case <-time.After(40 * time.Millisecond):
			}
			if time.Since(begin) > time.Minute {
				t.Fatal("events without end hold up the look for ever")
			}
		}
		if waited := time.Since(begin); waited != patience*50*time.Millisecond {
			t.Errorf("events without end hold up the look for %s", waited)
		}
	})
}

// TestAgain proves that the wait for a folder that is away doubles up to a
// limit, and starts anew.
func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		w := &watcher{folder: NewFolder("x", Options{Retry: 100 * time.Millisecond, MaxRetry: 300 * time.Millisecond})}
		w.wait = time.NewTimer(time.Hour)
		for i, want := range []time.Duration{100 * ms, 200 * ms, 300 * ms, 300 * ms} {
			begin := time.Now()
			w.again(true)
			<-w.wait.C
			if waited := time.Since(begin); waited != want {
				t.Errorf("wait %d is %s, want %s", i, waited, want)
			}
		}
		w.again(false)
		w.again(true)
		if w.retry != 100*time.Millisecond {
			t.Errorf("after the folder was there the wait is %s", w.retry)
		}
	})
}

func TestConcerns(t *testing.T) {
	w := &watcher{folder: NewFolder("/a/config", Options{})}
	for name, want := range map[string]bool{
		"/a/config": true, "/a/config/x.yaml": true, "/a/config/sub/y": true, "/a": true, "/elsewhere/z": true,
		"/a/neighbour": false, "/a/neighbour.yaml": false,
	} {
		if got := w.concerns(fsnotify.Event{Name: name}); got != want {
			t.Errorf("%s concerns the folder: %v, want %v", name, got, want)
		}
	}
}
