package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// record is a screen that keeps what it was told.
type record struct {
	said   []string
	phases []api.Phase
	loads  int
}

func (r *record) say(text string)            { r.said = append(r.said, text) }
func (r *record) rollout(o *api.Rollout)     { r.phases = append(r.phases, o.Status.Phase) }
func (r *record) load(lab.Counts, time.Time) { r.loads++ }
func (r *record) close()                     {}

// newPlayer gives a player on a stage without server, Envoys and clients.
func newPlayer(t *testing.T) (*player, *record) {
	t.Helper()
	folder, err := lab.NewFolder(filepath.Join(t.TempDir(), "objects"))
	if err != nil {
		t.Fatal(err)
	}
	load, err := lab.NewLoad(lab.LoadOptions{Targets: []string{"127.0.0.1:1"}, Rate: 1})
	if err != nil {
		t.Fatal(err)
	}
	client, err := (&connection{server: "127.0.0.1:1"}).client()
	if err != nil {
		t.Fatal(err)
	}
	screen := &record{}
	stage := &demoStage{
		options: demoStageOptions{pause: 10 * time.Second},
		folder:  folder, load: load, client: client, services: map[string]*lab.Service{},
	}
	if err := folder.PutApp(stage.app()); err != nil {
		t.Fatal(err)
	}
	return &player{stage: stage, screen: screen, news: make(chan *api.Rollout)}, screen
}

// state gives a Rollout that stands somewhere, with so many Envoys acked.
func state(phase api.Phase, stable string, acked int) *api.Rollout {
	return &api.Rollout{Status: api.RolloutStatus{
		Phase: phase, StableRS: stable, Fleet: api.FleetStatus{Connected: demoEnvoys, Acked: acked},
	}}
}

// tell sends a player states, a second apart.
func tell(p *player, states ...*api.Rollout) {
	go func() {
		for _, s := range states {
			time.Sleep(time.Second) // of the bubble's clock
			p.news <- s
		}
	}()
}

func TestPlayerWaitsForAState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, screen := newPlayer(t)
		tell(p, state(api.PhaseProgressing, "v1", 0), state(api.PhaseHealthy, "v1", 1), state(api.PhaseHealthy, "v1", 2))
		began := time.Now()
		if err := p.until(t.Context(), time.Minute, allAcked); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %s, want the 3s until both had acked", took)
		}
		want := []api.Phase{api.PhaseProgressing, api.PhaseHealthy, api.PhaseHealthy}
		if diff := cmp.Diff(want, screen.phases); diff != "" {
			t.Errorf("the screen showed (-want +got):\n%s", diff)
		}
		// At three seconds the counts and the last state come together.
		if n := int(3 * time.Second / loadEvery); screen.loads != n && screen.loads != n-1 {
			t.Errorf("the clients' counts were shown %d times, want %d", screen.loads, n)
		}
	})
}

func TestPlayerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPlayer(t)
		err := p.until(t.Context(), time.Minute, allAcked)
		if !errors.Is(err, errTimeUp) || !strings.Contains(err.Error(), "told nothing") {
			t.Errorf("without news: %v", err)
		}
		tell(p, state(api.PhasePaused, "v7", 1))
		err = p.until(t.Context(), time.Minute, allAcked)
		if !errors.Is(err, errTimeUp) || !strings.Contains(err.Error(), "stable v7") {
			t.Errorf("the error does not say where it stands: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.hold(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("at the end of the context: %v", err)
		}
	})
}

func TestPlayerHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, screen := newPlayer(t)
		tell(p, state(api.PhaseHealthy, "v1", 2))
		began := time.Now()
		if err := p.hold(t.Context(), 5*time.Second); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 5*time.Second || len(screen.phases) != 1 {
			t.Errorf("it held for %s and showed %d states", took, len(screen.phases))
		}
	})
}

// wanted gives the version that the folder asks for.
func wanted(t *testing.T, p *player) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.stage.folder.Dir(), "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	version := ""
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		docs, _ := api.Decode(file, data)
		for _, d := range docs {
			if r, ok := d.Object.(*api.Rollout); ok {
				version = r.Version()
			}
		}
	}
	return version
}

func TestPlayTheGoodVersion(t *testing.T) {
	promotion := state(api.PhaseHealthy, goodOne, demoEnvoys)
	abort := state(api.PhaseDegraded, stableOne, demoEnvoys)
	abort.Status.Abort = true
	tests := []struct {
		name string
		last *api.Rollout
		said bool // that it was promoted
	}{{"promoted", promotion, true}, {"aborted", abort, false}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, screen := newPlayer(t)
				tell(p, state(api.PhasePaused, stableOne, 2), state(api.PhaseHealthy, goodOne, 1), test.last)
				a, err := p.good(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if a.took != 3*time.Second || !cmp.Equal(a.status, test.last.Status) {
					t.Errorf("it took %s and ended in %+v", a.took, a.status)
				}
				if got := wanted(t, p); got != goodOne {
					t.Errorf("the folder asks for %q", got)
				}
				if said := strings.Contains(strings.Join(screen.said, "\n"), "is promoted"); said != test.said {
					t.Errorf("it said that it was promoted: %v", said)
				}
			})
		})
	}
}

// startBad starts the bad version until the end of the test.
func startBad(t *testing.T) *lab.Service {
	t.Helper()
	service, err := lab.StartService(badOne)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
	return service
}

func TestPlayTheBadVersion(t *testing.T) {
	abort := state(api.PhaseDegraded, goodOne, 2)
	abort.Status.Abort = true
	tests := []struct {
		name string
		last *api.Rollout
		said bool // that it is out
	}{{"aborted", abort, true}, {"promoted", state(api.PhaseHealthy, badOne, 2), false}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			service := startBad(t) // outside of the bubble, which it would never let end
			synctest.Test(t, func(t *testing.T) {
				p, screen := newPlayer(t)
				p.stage.services[badOne] = service
				early := state(api.PhaseDegraded, goodOne, 1) // not yet acked by both
				early.Status.Abort = true
				tell(p, state(api.PhasePaused, goodOne, 2), early, test.last)
				a, err := p.bad(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if a.took != 3*time.Second || !cmp.Equal(a.status, test.last.Status) {
					t.Errorf("it took %s and ended in %+v", a.took, a.status)
				}
				if got := wanted(t, p); got != badOne {
					t.Errorf("the folder asks for %q", got)
				}
				if said := strings.Contains(strings.Join(screen.said, "\n"), "is out"); said != test.said {
					t.Errorf("it said that it is out: %v", said)
				}
			})
		})
	}
}

func TestDemoError(t *testing.T) {
	failure, cause := errors.New("what followed"), errors.New("the cause")
	running := t.Context()
	interrupted, stop := context.WithCancel(running)
	stop()
	broken, end := context.WithCancelCause(running)
	end(cause)
	for name, test := range map[string]struct {
		ctx  context.Context
		want string
	}{
		"running":     {running, "what followed"},
		"interrupted": {interrupted, "the demo was interrupted"},
		"a part died": {broken, "the cause"},
	} {
		if got := demoError(test.ctx, failure); got.Error() != test.want {
			t.Errorf("%s: got %v, want %s", name, got, test.want)
		}
	}
}
