package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// goodDemo gives the report of a demo in which all went well.
func goodDemo() demoReport {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	aborted := at.Add(59500 * time.Microsecond)
	return demoReport{
		good: actReport{
			took:   21 * time.Second,
			status: api.RolloutStatus{Phase: api.PhaseHealthy, StableRS: goodOne},
			counts: lab.Counts{
				Tally:     lab.Tally{Requests: 8000},
				ByVersion: map[string]lab.Tally{stableOne: {Requests: 6000}, goodOne: {Requests: 2000}},
			},
		},
		bad: actReport{
			status: api.RolloutStatus{
				Phase: api.PhaseDegraded, StableRS: goodOne, Abort: true, AbortedAt: &aborted,
				Evidence: []api.Evidence{{Verdict: api.VerdictHarm, Message: "the canary is worse"}},
			},
			counts: lab.Counts{
				Tally:     lab.Tally{Requests: 1000, Failed: 4},
				ByVersion: map[string]lab.Tally{goodOne: {Requests: 996}, badOne: {Requests: 4, Failed: 4}},
			},
			firstBad: at, lastRequest: at.Add(61 * time.Millisecond), failed: 4,
		},
		total: lab.Counts{Tally: lab.Tally{Requests: 9500, Failed: 4}},
	}
}

func TestDemoProblems(t *testing.T) {
	tests := []struct {
		name string
		edit func(*demoReport)
		want string // a part of the one problem; empty: there is none
	}{
		{"all went well", func(*demoReport) {}, ""},
		{"good one aborted", func(r *demoReport) { r.good.status.Abort = true }, "v2 is good and was not promoted"},
		{"good one still under way", func(r *demoReport) { r.good.status.Phase = api.PhasePaused }, "v2 is good and was not promoted"},
		{"a request lost", func(r *demoReport) {
			r.good.counts.Failed, r.good.counts.Errors = 1, 1
			r.good.counts.ByVersion[""] = lab.Tally{Requests: 1, Failed: 1}
			r.good.counts.LastError = errors.New("connection reset")
		}, "1 requests failed while v2 was rolled out: 1 answered by no version, the last without an answer: connection reset"},
		{"good one never used", func(r *demoReport) { delete(r.good.counts.ByVersion, goodOne) }, "no request reached v2"},
		{"bad one promoted", func(r *demoReport) {
			r.bad.status.Abort, r.bad.status.Phase, r.bad.status.StableRS = false, api.PhaseHealthy, badOne
		}, "v3 fails and was not rolled back: it is Healthy, stable is v3"},
		{"aborted by somebody else", func(r *demoReport) { r.bad.status.Evidence = nil }, "v3 was not taken out by the guard"},
		{"bad one never used", func(r *demoReport) { r.bad.failed = 0 }, "no request reached v3"},
		{"stable hurt by the rollback", func(r *demoReport) {
			r.bad.counts.Failed++
			r.bad.counts.ByVersion[goodOne] = lab.Tally{Requests: 996, Failed: 1}
		}, "1 requests failed beside those that v3 failed: 1 answered by v2, 4 answered by v3"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := goodDemo()
			test.edit(&r)
			problems := r.problems()
			switch {
			case test.want == "" && len(problems) > 0:
				t.Errorf("got %v", problems)
			case test.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Error(), test.want)):
				t.Errorf("got %v, want one: %s", problems, test.want)
			}
		})
	}
}

func TestDemoConclusion(t *testing.T) {
	var out bytes.Buffer
	if err := conclude(&out, goodDemo()); err != nil {
		t.Fatal(err)
	}
	want := `
Measured
                                      requests    failed
  v2 rolled out                           8000         0
    of these, answered by v2              2000         0
  v3 rolled out and back                  1000         4
    of these, answered by v3                 4         4
  in all                                  9500         4

  v2: promoted 21s after the file changed.
  v3: 4 responses failed.
      From the first of them to the last request that any Envoy sent to v3: 61.0
      ms.
      The guard had its evidence 59.5 ms after the first of them.
      It says: the canary is worse

Both rollouts ended as they must.
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	bad := goodDemo()
	bad.bad.failed = 0
	bad.good.counts.Failed = 2
	err := conclude(&out, bad)
	if err == nil || !strings.Contains(err.Error(), "no request reached v3") || !strings.Contains(err.Error(), "2 requests failed") {
		t.Errorf("got %v, want both problems", err)
	}
}

func TestDemoAppIsValid(t *testing.T) {
	for _, speed := range []float64{leastSpeed, 1, 3, 7, mostSpeed} {
		service, err := lab.StartService(stableOne)
		if err != nil {
			t.Fatal(err)
		}
		s := &demoStage{
			options:  demoStageOptions{dir: t.TempDir(), pause: pauseAt(speed)},
			services: map[string]*lab.Service{stableOne: service},
		}
		text, err := s.app().YAML()
		if err != nil {
			t.Fatal(err)
		}
		if err := service.Close(); err != nil {
			t.Error(err)
		}
		docs, findings := api.Decode("app.yaml", []byte(text))
		if len(findings) > 0 {
			t.Errorf("at speed %g: %v", speed, findings)
		}
		r, ok := docs[len(docs)-1].Object.(*api.Rollout)
		if !ok {
			t.Fatalf("at speed %g the last object is no Rollout: %+v", speed, docs[len(docs)-1])
		}
		if got := r.Steps()[1].Pause.Duration.Duration; got != pauseAt(speed) {
			t.Errorf("at speed %g a pause is %s, want %s", speed, got, pauseAt(speed))
		}
	}
}

func TestMeter(t *testing.T) {
	at := time.Unix(1000, 0)
	counts := func(v1, v2, failed uint64) lab.Counts {
		return lab.Counts{
			Tally:     lab.Tally{Requests: v1 + v2, Failed: failed},
			ByVersion: map[string]lab.Tally{"v1": {Requests: v1}, "v2": {Requests: v2}},
		}
	}
	var m meter
	if got := m.text(); got != "none yet" {
		t.Errorf("before any: %s", got)
	}
	// Ten quarters of a second at 400 requests a second: v1 alone at first,
	// then three to one.
	for i := range uint64(11) {
		shared := max(i, 5) - 5
		m.add(counts(500+75*shared, 25*shared, shared), at.Add(time.Duration(i)*250*time.Millisecond))
	}
	want := "400 requests/s, v1 75%, v2 25%, failed 5 of 1000 in all"
	if got := m.text(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(m.seen) > 6 {
		t.Errorf("it keeps %d readings for one second", len(m.seen))
	}
}

func TestLinesSayEachChangeOnce(t *testing.T) {
	var out bytes.Buffer
	screen := newScreen(strings.NewReader(""), &out, nil)
	r := &api.Rollout{Status: api.RolloutStatus{Phase: api.PhasePaused, StableRS: "v1"}}
	screen.rollout(r)
	screen.rollout(r)
	healthy := r.WithStatus(api.RolloutStatus{Phase: api.PhaseHealthy, StableRS: "v2"})
	screen.rollout(healthy)
	at := time.Unix(1000, 0)
	screen.load(lab.Counts{}, at)
	screen.load(lab.Counts{}, at.Add(clientsEvery/2))
	screen.load(lab.Counts{}, at.Add(clientsEvery))
	screen.close()
	text := out.String()
	for part, want := range map[string]int{"Paused": 1, "Healthy": 1, "clients:": 2, "\n": 4} {
		if n := strings.Count(text, part); n != want {
			t.Errorf("%q is there %d times, want %d:\n%s", part, n, want, text)
		}
	}
}

func TestStageView(t *testing.T) {
	m := stageView{live: live{width: defaultWidth}, meter: &meter{}}
	if text := m.View().Content; !strings.Contains(text, "starting") {
		t.Errorf("before anything is known it shows:\n%s", text)
	}
	r := &api.Rollout{Status: api.RolloutStatus{Phase: api.PhasePaused, Message: "waits for a person"}}
	next, _ := m.Update(liveRollout{r})
	at := time.Unix(1000, 0)
	for i := range 2 {
		next, _ = next.Update(reading{lab.Counts{Tally: lab.Tally{Requests: uint64(100 * i)}}, at.Add(time.Duration(i) * time.Second)})
	}
	text := next.View().Content
	for _, want := range []string{"Paused", "waits for a person", "100 requests/s"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the view:\n%s", want, text)
		}
	}
}

func TestDemoRefuses(t *testing.T) {
	for _, speed := range []string{"0", "-1", "1000", "NaN"} {
		cmd := newDemoCommand()
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		cmd.SetArgs([]string{"--speed", speed})
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "--speed") {
			t.Errorf("--speed %s: %v", speed, err)
		}
	}
	t.Run("without Envoy", func(t *testing.T) {
		t.Setenv(lab.EnvoyVariable, "/nonexistent/envoy")
		cmd := newDemoCommand()
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		cmd.SetArgs([]string{})
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), lab.EnvoyVariable) {
			t.Errorf("got %v", err)
		}
	})
}
