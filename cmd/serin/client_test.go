package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestServerAddress reads the forms of --server.
func TestServerAddress(t *testing.T) {
	tests := []struct{ flag, env, want string }{
		{"", "", "http://127.0.0.1:18080"},
		{"", "127.0.0.1:1", "http://127.0.0.1:1"},
		{"localhost:2", "127.0.0.1:1", "http://localhost:2"},
		{"https://serin.example/proxy", "", "https://serin.example/proxy"},
		{"[::1]:3", "", "http://[::1]:3"},
		{"http://", "", ""}, {"ftp://x", "", ""}, {"http://a b", "", ""}, {":%", "", ""},
	}
	for _, tt := range tests {
		t.Setenv("SERIN_SERVER", tt.env)
		c, err := (&connection{server: tt.flag}).client()
		switch {
		case tt.want == "" && (err == nil || !strings.Contains(err.Error(), "HOST:PORT")):
			t.Errorf("%q: got %v", tt.flag, err)
		case tt.want != "" && (err != nil || c.base.String() != tt.want):
			t.Errorf("%q %q: got %v, %v", tt.flag, tt.env, c, err)
		}
	}
}

// answering is the address of a server that gives one answer to everything.
func answering(t *testing.T, status int, kind, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestAnswers proves which answer leads to which exit code and message.
func TestAnswers(t *testing.T) {
	const problem = "application/problem+json"
	tests := []struct {
		name         string
		status       int
		kind, body   string
		args         string
		code         int
		stdout, text string
	}{
		{"a rollout", 200, "application/json", `{"metadata":{"name":"shop"},"status":{"phase":"Healthy"}}`,
			"abort shop", 0, "abort: shop  Healthy", ""},
		{"as it came", 200, "application/json", `{"status":{"new":[]},"a":1}`,
			"abort shop -o json", 0, "{\n  \"status\": {\n    \"new\": []\n  },\n  \"a\": 1\n}\n", ""},
		{"as YAML", 200, "application/json", `{"status":{"new":[1]}}`, "abort shop -o yaml", 0, "status:\n  new:\n  - 1\n", ""},
		{"does not apply", 409, problem, `{"status":409,"detail":"not now"}`, "abort shop", 2, "", "serin: not now\n"},
		{"not there", 404, problem, `{"status":404,"detail":"no such Rollout"}`, "abort shop", 1, "", "serin: no such Rollout\n"},
		{"no token", 401, problem, `{"status":401,"detail":"need a token"}`, "abort shop", 1, "", "serin: need a token\n"},
		{"another program", 404, "text/html", "<h1>nginx</h1>", "get rollouts", 1, "", "404 Not Found, which Serin does not say"},
		{"a broken problem", 500, problem, "{", "get rollouts", 1, "", "500 Internal Server Error, which Serin does not say"},
		{"no JSON", 200, "application/json", "oops", "get rollouts", 1, "", "reading the answer"},
		{"no JSON, as it came", 200, "application/json", "oops", "get rollouts -o json", 1, "", "reading the answer"},
		{"no JSON fleet", 200, "application/json", "[]", "fleet", 1, "", "reading the answer"},
		{"no JSON history", 200, "application/json", "[]", "history shop", 1, "", "reading the answer"},
		{"no JSON rollout", 200, "application/json", "[]", "get rollout shop", 1, "", "reading the answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address := answering(t, tt.status, tt.kind, tt.body)
			code, stdout, stderr := program(t, append(strings.Fields(tt.args), "--server", address)...)
			if code != tt.code || !strings.HasPrefix(stdout, tt.stdout) || !strings.Contains(stderr, tt.text) {
				t.Errorf("got %d\nstdout %q\nstderr %q", code, stdout, stderr)
			}
			if (stdout == "") != (tt.stdout == "") || (stderr == "") != (tt.text == "") {
				t.Errorf("data and messages are mixed up\nstdout %q\nstderr %q", stdout, stderr)
			}
		})
	}
}

// TestRequests proves what each command asks for.
func TestRequests(t *testing.T) {
	tests := []struct{ args, want string }{
		{"get rollouts", "GET /api/v1/rollouts?namespace=default"},
		{"get rollouts -n prod", "GET /api/v1/rollouts?namespace=prod"},
		{"get rollouts -A", "GET /api/v1/rollouts?namespace=%2A"},
		{"get rollout shop", "GET /api/v1/rollouts/shop?namespace=default"},
		{"get rollout ../fleet", "GET /api/v1/rollouts/..%2Ffleet?namespace=default"},
		{"history shop", "GET /api/v1/rollouts/shop/history?namespace=default"},
		{"fleet", "GET /api/v1/fleet?namespace=default"},
		{"promote shop --full --reason now", `POST /api/v1/rollouts/shop/promote?namespace=default {"reason":"now","full":true}`},
		{"rollback shop --to v1", `POST /api/v1/rollouts/shop/rollback?namespace=default {"to":"v1"}`},
		{"pause shop -n prod", `POST /api/v1/rollouts/shop/pause?namespace=prod {}`},
		{"resume shop", `POST /api/v1/rollouts/shop/resume?namespace=default {}`},
		{"retry shop", `POST /api/v1/rollouts/shop/retry?namespace=default {}`},
		{"abort shop", `POST /api/v1/rollouts/shop/abort?namespace=default {}`},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			got := make(chan string, 1)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body := make([]byte, 1000)
				n, _ := r.Body.Read(body)
				text := r.Method + " " + r.RequestURI
				if n > 0 {
					text += " " + string(body[:n])
				}
				if n > 0 && (r.Header.Get("Content-Type") != "application/json" || !strings.Contains(r.Header.Get("Serin-Actor"), "@")) {
					text += fmt.Sprint(r.Header)
				}
				if r.Header.Get("Authorization") != "Bearer s3cret" {
					text += " without token"
				}
				got <- text
				fmt.Fprint(w, "{}")
			}))
			defer s.Close()
			program(t, append(strings.Fields(tt.args), "-o", "json", "--server", s.URL, "--token", "s3cret")...)
			if text := <-got; text != tt.want {
				t.Errorf("got  %s\nwant %s", text, tt.want)
			}
		})
	}
}
