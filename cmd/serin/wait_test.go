package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/serin-mesh/serin/api"
)

// TestWait proves the exit code and the one line on stderr of each end, that
// nothing is on stdout, and that nothing is left running.
func TestWait(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	removed := "data: {\"type\":\"removed\",\"namespace\":\"default\",\"name\":\"shop\"}\n\n"
	begun := eventOf(t, stood(api.PhaseProgressing, "v1", "v2", 0))
	tests := []struct {
		name  string
		texts []string
		flags string
		code  int
		text  string
	}{
		{"reached", []string{begun + eventOf(t, stood(api.PhaseHealthy, "v2", "v2", 4))}, "", 0, "serin: shop: promoted: v2 is stable\n"},
		{"ended otherwise", []string{begun + eventOf(t, aborted("v1", "v2"))}, "", 2, "serin: shop: aborted, not promoted: \n"},
		{"a person", []string{begun + eventOf(t, stood(api.PhasePaused, "v1", "v2", 1, "CanaryPauseStep"))}, "", 4, "serin: shop: waits for a person: step 1 is an open pause"},
		{"removed", []string{begun + removed}, "", 2, "serin: shop: the Rollout was removed\n"},
		{"never there", nil, "", 1, "no such Rollout"},
		{"lost and found", []string{begun, eventOf(t, stood(api.PhaseHealthy, "v2", "v2", 4))}, "", 0, "serin: lost the server, trying again"},
		{"too late", []string{begun, "", "", "", "", "", "", ""}, "--timeout 20ms", 3, "shop was not promoted within 20ms: shop  Progressing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(&scripted{texts: tt.texts})
			defer s.Close()
			defer http.DefaultClient.CloseIdleConnections()
			args := append([]string{"wait", "shop", "--for", "promoted", "--server", s.URL}, strings.Fields(tt.flags)...)
			code, stdout, stderr := program(t, args...)
			if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.text) {
				t.Errorf("got %d %q %q", code, stdout, stderr)
			}
		})
	}
}

// TestWaitStopped proves that a wait that is told to stop has not reached its
// end.
func TestWaitStopped(t *testing.T) {
	s := httptest.NewServer(&scripted{texts: []string{eventOf(t, stood(api.PhaseProgressing, "v1", "v2", 0)), "", ""}})
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var out, err bytes.Buffer
	code := execute(ctx, []string{"wait", "shop", "--for", "promoted", "--server", s.URL}, &out, &err)
	if code != exitFailed || !strings.Contains(err.String(), "told to stop waiting") {
		t.Errorf("got %d %q", code, err.String())
	}
}

// TestComplete proves which names a shell is offered: those that fit what is
// typed, for the first argument only, and none without a server.
func TestComplete(t *testing.T) {
	list := `{"items":[{"metadata":{"name":"cart"},"status":{"phase":"Healthy","currentPodHash":"v7"}},` +
		`{"metadata":{"name":"shop"},"status":{"phase":"Paused","currentPodHash":"v2"}}]}`
	url := answering(t, 200, "application/json", list)
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"abort", "--server", url, ""}, "cart\tHealthy v7\nshop\tPaused v2\n:4\n"},
		{[]string{"get", "rollout", "--server", url, "s"}, "shop\tPaused v2\n:4\n"},
		{[]string{"wait", "--server", url, "x"}, ":4\n"},
		{[]string{"explain", "--server", url, "shop", ""}, ":4\n"},
		{[]string{"history", "--server", "127.0.0.1:1", ""}, ":4\n"},
		{[]string{"history", "--server", "ftp://x", ""}, ":4\n"},
		{[]string{"wait", "shop", "--for", ""}, "promoted\npaused\naborted\n:4\n"},
		{[]string{"get", "rollouts", "-o", ""}, "table\nwide\njson\nyaml\n:4\n"},
		{[]string{"schema", ""}, "analysistemplate\nclusteranalysistemplate\nrelease\nrollout\n:4\n"},
	}
	for _, tt := range tests {
		code, stdout, _ := program(t, append([]string{"__complete"}, tt.args...)...)
		if code != exitOK || stdout != tt.want {
			t.Errorf("%q: got %d %q, want %q", tt.args, code, stdout, tt.want)
		}
	}
}
