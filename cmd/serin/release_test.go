package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const releaseJSON = `{"metadata": {"name": "spring", "namespace": "default"},
"spec": {"rollouts": [{"name": "back"}, {"name": "front"}], "order": "Sequential"},
"status": {"phase": "Paused", "message": "front: CanaryPauseStep: step 1 waits 1m0s", "members": [
{"name": "back", "phase": "Healthy", "version": "v2"}, {"name": "front", "phase": "Paused", "version": "v2"}]}}`

// TestReleaseCommands: the commands ask for the right thing and show all of the
// answer.
func TestReleaseCommands(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+string(body)))
		if strings.HasSuffix(r.URL.Path, "/releases") {
			_, _ = io.WriteString(w, `{"items": [`+releaseJSON+`]}`)
			return
		}
		_, _ = io.WriteString(w, releaseJSON)
	}))
	defer s.Close()
	for _, tt := range []struct{ args, asked, shown string }{
		{"get releases", "GET /api/v1/releases", "spring  Paused  Sequential  1/2      front: CanaryPauseStep"},
		{"get release spring", "GET /api/v1/releases/spring", "1/2 healthy"},
		{"get release spring -o json", "GET /api/v1/releases/spring", `"members"`},
		{"abort spring --release --reason enough", `POST /api/v1/releases/spring/abort {"reason":"enough"}`, "abort: default/spring  Paused"},
		{"promote spring --release --full", `POST /api/v1/releases/spring/promote {"full":true}`, "front"},
	} {
		asked = nil
		code, stdout, stderr := program(t, append(strings.Fields(tt.args), "--server", s.URL)...)
		if code != 0 || len(asked) != 1 || !strings.HasPrefix(asked[0], tt.asked) || !strings.Contains(stdout, tt.shown) {
			t.Errorf("serin %s: exit %d, asked %q\n%s%s", tt.args, code, asked, stdout, stderr)
		}
	}
}
