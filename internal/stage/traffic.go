package stage

import (
	"context"
	"fmt"
	"os/exec"
	"sync"
	"testing"

	"github.com/serin-mesh/serin/internal/lab"
)

// Envoy starts an Envoy with an id, as `serin bootstrap` with flags says, until the
// test ends. edit, if not nil, changes what it starts with.
func Envoy(t *testing.T, program, id string, edit func(string) string, flags ...string) *lab.Envoy {
	t.Helper()
	port, err := lab.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	admin := fmt.Sprintf("127.0.0.1:%d", port)
	boot, err := exec.Command(program, append([]string{"bootstrap", "--node-id", id, "--admin", admin}, flags...)...).Output()
	if err != nil {
		t.Fatalf("making the bootstrap of Envoy %s: %v", id, err)
	}
	if edit != nil {
		boot = []byte(edit(string(boot)))
	}
	e, err := lab.StartEnvoy(lab.EnvoyOptions{Name: id, Dir: t.TempDir(), Bootstrap: boot, Admin: admin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("envoy %s said:\n%s", id, e.LogTail())
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// Load sends requests until the test ends, or stop is called. stop may be called
// again.
func Load(t *testing.T, o lab.LoadOptions) (l *lab.Load, stop func()) {
	t.Helper()
	l, err := lab.NewLoad(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("load: %v", err)
		}
	})
	t.Cleanup(stop)
	return l, stop
}
