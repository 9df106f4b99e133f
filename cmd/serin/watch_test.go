package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"go.uber.org/goleak"

	"github.com/serin-mesh/serin/api"
)

// eventOf is a Rollout as the server streams it.
func eventOf(t *testing.T, r *api.Rollout) string {
	t.Helper()
	data, err := json.Marshal(api.Event{Type: "rollout", Rollout: r})
	if err != nil {
		t.Fatal(err)
	}
	return "data: " + string(data) + "\n\n"
}

// TestWatchForms proves that a watch without a terminal writes a line for each
// change that is more than counts, and every state as JSON and as YAML.
func TestWatchForms(t *testing.T) {
	counted := canaryAt20()
	counted.Status.Observed = map[string]api.VersionCounts{"v2": {Requests: 9999}}
	moved := canaryAt20()
	moved.Status.Fleet.Acked = 2
	text := eventOf(t, canaryAt20()) + eventOf(t, counted) + eventOf(t, moved)
	tests := []struct {
		form string
		line string // of the output, to count
		want int
	}{
		{"table", "shop  Paused  step 1/3  weight 20% of v2", 2},
		{"wide", "shop  Paused  step 1/3  weight 20% of v2", 2},
		{"json", `"currentPodHash":"v2"`, 3},
		{"yaml", "---\n", 3},
	}
	for _, tt := range tests {
		t.Run(tt.form, func(t *testing.T) {
			s := httptest.NewServer(&scripted{texts: []string{text}})
			defer s.Close()
			defer http.DefaultClient.CloseIdleConnections()
			code, stdout, stderr := program(t, "get", "rollout", "shop", "-w", "-o", tt.form, "--server", s.URL)
			if code != exitFailed || !strings.Contains(stderr, "the Rollout was removed") {
				t.Errorf("got %d %q", code, stderr)
			}
			if n := strings.Count(stdout, tt.line); n != tt.want {
				t.Errorf("got %d in\n%s", n, stdout)
			}
		})
	}
}

// TestChangeLine shows the line of a change, with a canary and without.
func TestChangeLine(t *testing.T) {
	for want, r := range map[string]*api.Rollout{
		"shop  Paused  step 1/3  weight 20% of v2  acked 1/2  stable v1  error-rate inconclusive  - CanaryPauseStep: step 1 waits 1m0s": canaryAt20(),
		"shop  Healthy  step 3/3  no canary  acked 0/0  stable v1":                                                                      stableAtV1(),
	} {
		if got := changeLine(r); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestWatchLive proves that a live view draws what the stream says, and ends
// with the Rollout, or without an error when it is told to.
func TestWatchLive(t *testing.T) {
	// The last tick of the view's clock is waited for after its end.
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent(), goleak.IgnoreTopFunction("charm.land/bubbletea/v2.Tick.func1"))
	s := httptest.NewServer(&scripted{texts: []string{eventOf(t, canaryAt20())}})
	defer s.Close()
	defer http.DefaultClient.CloseIdleConnections()
	c, err := (&connection{server: s.URL, namespace: "default"}).client()
	if err != nil {
		t.Fatal(err)
	}
	var drawn bytes.Buffer
	if err := watchLive(t.Context(), c, "shop", &drawn, nil, tea.WithWindowSize(100, 40)); !errors.Is(err, errRemoved) {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{"default/shop", "Paused", "setWeight 20", "ctrl-C ends"} {
		if !strings.Contains(drawn.String(), want) {
			t.Errorf("no %q was drawn: %q", want, drawn.String())
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := watchLive(ended, c, "shop", &drawn, nil); err != nil {
		t.Errorf("told to end: got %v", err)
	}
}

// TestLive proves what a live view shows after each piece of news, and which
// keys end it.
func TestLive(t *testing.T) {
	var m tea.Model = live{width: 80}
	show := func(msg tea.Msg) (string, tea.Cmd) {
		var cmd tea.Cmd
		m, cmd = m.Update(msg)
		return m.View().Content, cmd
	}
	if got := m.View().Content; !strings.Contains(got, "waiting for the server") {
		t.Errorf("at first: %q", got)
	}
	if got, _ := show(liveRollout{canaryAt20()}); !strings.Contains(got, "default/shop  Paused") || strings.Contains(got, "waiting") {
		t.Errorf("with a Rollout: %q", got)
	}
	if got, _ := show(liveNote("lost the server\x1b[2J")); !strings.Contains(got, "lost the server [2J") || !strings.Contains(got, "default/shop") {
		t.Errorf("with a note: %q", got)
	}
	if got, _ := show(liveRollout{stableAtV1()}); strings.Contains(got, "lost") || !strings.Contains(got, "Healthy") {
		t.Errorf("found again: %q", got)
	}
	if _, cmd := show(liveTick(viewedAt)); cmd == nil {
		t.Error("the clock stops after one tick")
	}
	show(liveRollout{canaryAt20()})
	wide, _ := show(tea.WindowSizeMsg{Width: 120})
	if narrow, _ := show(tea.WindowSizeMsg{Width: 50}); wide == narrow {
		t.Error("the width of the terminal is not heeded")
	}
	for _, key := range []tea.KeyPressMsg{{Code: 'c', Mod: tea.ModCtrl}, {Code: 'q', Text: "q"}} {
		_, cmd := show(key)
		if cmd == nil {
			t.Fatalf("%s does not end the view", key)
		}
		if _, quits := cmd().(tea.QuitMsg); !quits {
			t.Errorf("%s does something else", key)
		}
	}
	if _, cmd := show(tea.KeyPressMsg{Code: 'x', Text: "x"}); cmd != nil {
		t.Error("any key ends the view")
	}
}
