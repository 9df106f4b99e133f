//go:build linux

package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/store"
)

// clients connects stand-ins to the rig's Serin until the test ends.
func (r *rig) clients(ids ...string) []*standIn {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	r.t.Cleanup(func() { cancel(); running.Wait() })
	var out []*standIn
	for i, id := range ids {
		c := newStandIn(id, uint64(i))
		c.rose = func(sighting) {}
		c.broken = func(text string) { r.t.Error(text) }
		running.Go(func() {
			if err := c.run(ctx, r.xds); err != nil {
				r.t.Error(err)
			}
		})
		out = append(out, c)
	}
	return out
}

// haveCanary waits until each client gives version v2 a share, in percent.
func (r *rig) haveCanary(percent float64, clients ...*standIn) {
	r.t.Helper()
	for _, c := range clients {
		r.until(fmt.Sprintf("%s sends %g%% to v2", c.id, percent), func() bool {
			return c.has()["shop"]["v1"] == 1-percent/100 && c.has()["shop"]["v2"] == percent/100
		})
	}
}

// unstored asks for an action that the store cannot keep.
func (r *rig) unstored(verb string) {
	r.t.Helper()
	_, errs, code := r.command(verb, "shop", "--reason", "while it could not be stored")
	if code != 1 {
		r.t.Errorf("serin %s without a disk: exit %d, want 1", verb, code)
	}
	wantIn(r.t, errs, []string{store.FileName})
}

// serving checks that Envoys are still served: one that is new gets what the
// others have.
func (r *rig) serving(id string, percent float64) {
	r.t.Helper()
	r.haveCanary(percent, r.clients(id)...)
}

// quick keeps commands that were built with the race detector from waiting a
// second at their end.
func quick(t *testing.T) {
	t.Helper()
	t.Setenv("GORACE", "atexit_sleep_ms=0")
}

var halves = []string{"setWeight: 10", "pause: {}", "setWeight: 50", "pause: {}"}

// TestDiskFull: while nothing can be written, Envoys are served, a raise waits
// and the message says why, an abort is sent. When there is room again it all
// goes on by itself.
func TestDiskFull(t *testing.T) {
	quick(t)
	r := newRig(t, options{steps: halves})
	clients := r.clients("edge-1", "edge-2")
	r.want("v2")
	r.await("paused at 10%", paused(10))

	full(t, r.serin.PID(), true)
	r.unstored("promote")
	s := r.await("told that it cannot be stored", func(s api.RolloutStatus) bool { return strings.Contains(s.Message, "cannot be stored") })
	wantIn(t, s.Message, []string{"no weight is raised", store.FileName, "make room"})
	r.serving("edge-3", 10)
	r.haveCanary(10, clients...)

	full(t, r.serin.PID(), false)
	r.haveCanary(50, clients...)
	r.await("paused at 50%", paused(50))

	full(t, r.serin.PID(), true)
	r.unstored("abort")
	r.haveCanary(0, clients...)
	r.serving("edge-4", 0)
	full(t, r.serin.PID(), false)
	r.until("the abort is stored", func() bool {
		out := r.does("history", "shop")
		return strings.Count(out, "while it could not be stored") >= 2
	})
	r.kill()
	r.start()
	r.await("aborted", degraded)
	r.does("retry", "shop")
	r.haveCanary(10, clients...)
}

// TestKilledWithAFullDisk: what was confirmed before the disk was full is there
// after a kill, and the file is whole.
func TestKilledWithAFullDisk(t *testing.T) {
	quick(t)
	r := newRig(t, options{steps: halves})
	r.clients("edge-1")
	r.want("v2")
	r.await("paused at 10%", paused(10))
	noGrowth(t, r.serin.PID(), filepath.Join(r.data, store.FileName))
	padding, confirmed := strings.Repeat("x", 500), 0
	for i := range 200 {
		_, errs, code := r.command([]string{"pause", "resume"}[i%2], "shop", "--reason", fmt.Sprintf("reason-%d-%s", i, padding))
		if code != 0 {
			wantIn(t, errs, []string{store.FileName, "make room"})
			break
		}
		confirmed = i + 1
	}
	if confirmed == 0 || confirmed == 200 {
		t.Fatalf("%d actions were confirmed", confirmed)
	}
	r.kill()
	r.start()
	r.inForce(10, 1)
	var history struct {
		Items []api.JournalEntry `json:"items"`
	}
	r.get("/api/v1/rollouts/shop/history", &history)
	for i := range confirmed {
		found := false
		for _, e := range history.Items {
			found = found || strings.HasPrefix(e.Reason, fmt.Sprintf("reason-%d-", i))
		}
		if !found {
			t.Errorf("action %d was confirmed and is lost", i)
		}
	}
}

// TestTornWhileItRuns: the data file is cut short under a running server. It
// says so and goes on serving; it is not started again on such a file.
func TestTornWhileItRuns(t *testing.T) {
	quick(t)
	r := newRig(t, options{steps: halves})
	clients := r.clients("edge-1")
	r.want("v2")
	r.await("paused at 10%", paused(10))
	path := filepath.Join(r.data, store.FileName)
	r.must(os.Truncate(path, int64(2*os.Getpagesize())))
	r.unstored("promote")
	r.serving("edge-2", 10)
	r.unstored("abort")
	r.haveCanary(0, clients...)
	r.kill()
	r.refuses("damaged", path, "move it away")
	r.haveCanary(0, clients...) // they have what they had
	r.must(os.Remove(path))
	r.start()
}

// refuses starts Serin on its data folder and checks that it ends with an error
// that has these words.
func (r *rig) refuses(words ...string) {
	r.t.Helper()
	_, errs, code := r.command("serve", "--config", r.folder.Dir(), "--data-dir", r.data,
		"--xds-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0")
	if code != 1 {
		r.t.Errorf("exit %d, want 1", code)
	}
	if strings.Contains(errs, "goroutine ") {
		r.t.Errorf("it crashed:\n%s", errs)
	}
	wantIn(r.t, errs, words)
}

// TestDataFileRefused: each data file that is not as a server left it, or cannot
// be written, is refused with its name and a remedy; the Envoys keep what they
// have.
func TestDataFileRefused(t *testing.T) {
	r := newRig(t, options{steps: halves})
	clients := r.clients("edge-1")
	r.want("v2")
	r.await("paused at 10%", paused(10))
	r.kill()
	path := filepath.Join(r.data, store.FileName)
	whole, err := os.ReadFile(path)
	r.must(err)
	for _, tt := range []struct {
		name string
		data []byte
	}{
		{"empty", nil},
		{"torn in the first page", whole[:1000]},
		{"torn in the midst", whole[:len(whole)/2]},
		{"of another program", []byte(strings.Repeat("no database ", 4096))},
		{"garbled", bytes.ReplaceAll(whole, []byte(`"stable":"v1"`), []byte(`"stable":"v2"`))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rt := *r
			rt.t = t
			rt.must(os.WriteFile(path, tt.data, 0o600))
			rt.refuses(path, "damaged or not Serin's", "move it away", "restore a copy")
		})
	}
	r.must(os.WriteFile(path, whole, 0o600))
	r.haveCanary(10, clients...)
	r.start()
	r.inForce(10, 1)
}

// TestDataFolderReadOnly: a folder or a file that may not be written is refused
// with its name and a remedy.
func TestDataFolderReadOnly(t *testing.T) {
	r := newRig(t, options{steps: halves})
	r.kill()
	reachable(t, r.data, r.folder.Dir(), program)
	path := filepath.Join(r.data, store.FileName)
	fresh := filepath.Join(t.TempDir(), "data")
	r.must(os.Mkdir(fresh, 0o555))
	reachable(t, fresh)
	for _, tt := range []struct {
		name, data string
		prepare    func() error
		want       []string
	}{
		{"file", r.data, func() error { return os.Chmod(path, 0o444) }, []string{path, "able to write", "--data-dir"}},
		{"folder", fresh, func() error { return nil }, []string{fresh, "able to write", "--data-dir"}},
		{"folder of the folder", filepath.Join(fresh, "data"), func() error { return nil }, []string{fresh, "able to write", "--data-dir"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.must(tt.prepare())
			var errs bytes.Buffer
			cmd := exec.Command(program, "serve", "--config", r.folder.Dir(), "--data-dir", tt.data,
				"--xds-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0")
			cmd.Stderr = &errs
			unprivileged(cmd)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
			defer ended.Stop()
			if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("it ended with %v", err)
			}
			wantIn(t, errs.String(), tt.want)
		})
	}
	r.must(os.Chmod(path, 0o600))
	r.start()
}

// reachable opens the folders above some paths to every user of the machine, as
// far as they are the test's own.
func reachable(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		for dir := filepath.Dir(p); strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
}
