package server_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

var errCanceled = context.Canceled

const (
	annToken = "correct horse battery staple"
	botToken = "tr0ub4dor"
)

// TestWhoMayAct is the table of who may act, under which name.
func TestWhoMayAct(t *testing.T) {
	tokens, err := server.ParseTokens("ann:" + annToken + "\nbot:" + botToken)
	if err != nil {
		t.Fatal(err)
	}
	const local, open = true, false
	tests := []struct {
		name     string
		loopback bool
		tokens   server.Tokens
		header   string // lines, separated by |
		status   int
		actor    string
		verified bool
	}{
		{"this machine", local, nil, "", 200, "192.0.2.1", false},
		{"this machine, named", local, nil, "Serin-Actor: ann@laptop", 200, "ann@laptop", false},
		{"this machine, a name that is none", local, nil, "Serin-Actor: a\u0007b", 200, "192.0.2.1", false},
		{"this machine, an endless name", local, nil, "Serin-Actor: " + strings.Repeat("a", 201), 200, "192.0.2.1", false},
		{"localhost", local, nil, "Host: localhost:18080", 200, "192.0.2.1", false},
		{"LOCALHOST without port", local, nil, "Host: LOCALHOST", 200, "192.0.2.1", false},
		{"another loopback address", local, nil, "Host: 127.8.9.1:1", 200, "192.0.2.1", false},
		{"IPv6 loopback", local, nil, "Host: [::1]:18080", 200, "192.0.2.1", false},
		{"IPv6 loopback without port", local, nil, "Host: [::1]", 200, "192.0.2.1", false},
		{"IPv4 in IPv6", local, nil, "Host: [::ffff:127.0.0.1]:80", 200, "192.0.2.1", false},
		{"a rebound name", local, nil, "Host: evil.example:18080", 403, "", false},
		{"a name that begins like an address", local, nil, "Host: 127.0.0.1.evil.example", 403, "", false},
		{"a name that ends like localhost", local, nil, "Host: evil-localhost", 403, "", false},
		{"an address of another machine", local, nil, "Host: 192.0.2.7:18080", 403, "", false},
		{"no host", local, nil, "Host: ", 403, "", false},

		{"a page of another site", local, nil, "Sec-Fetch-Site: cross-site", 403, "", false},
		{"a page of the same site", local, nil, "Sec-Fetch-Site: same-site", 403, "", false},
		{"a page of its own", local, nil, "Sec-Fetch-Site: same-origin", 200, "192.0.2.1", false},
		{"an old browser elsewhere", local, nil, "Origin: http://evil.example", 403, "", false},
		{"an old browser on another port", local, nil, "Origin: http://127.0.0.1:3000", 403, "", false},
		{"an old browser here", local, nil, "Origin: http://127.0.0.1:18080", 200, "192.0.2.1", false},
		{"a sandboxed page", local, nil, "Origin: null", 403, "", false},

		{"a token wanted", local, tokens, "", 401, "", false},
		{"a token wanted, a name given", local, tokens, "Serin-Actor: ann", 401, "", false},
		{"a wrong token", local, tokens, "Authorization: Bearer wrong", 401, "", false},
		{"half a token", local, tokens, "Authorization: Bearer correct horse", 401, "", false},
		{"a token's name", local, tokens, "Authorization: Bearer ann", 401, "", false},
		{"an empty token", local, tokens, "Authorization: Bearer ", 401, "", false},
		{"a token, other scheme", local, tokens, "Authorization: Basic " + annToken, 401, "", false},
		{"ann's token", local, tokens, "Authorization: Bearer " + annToken, 200, "ann", true},
		{"the bot's token", local, tokens, "Authorization: bearer " + botToken, 200, "bot", true},
		{"a token, another name given", local, tokens, "Authorization: Bearer " + botToken + "|Serin-Actor: ann", 200, "bot", true},
		{"a token from a proxy", local, tokens, "Authorization: Bearer " + annToken + "|Host: serin.example", 200, "ann", true},
		{"a token by a page elsewhere", local, tokens, "Authorization: Bearer " + annToken + "|Sec-Fetch-Site: cross-site", 403, "", false},

		{"another machine", open, nil, "", 403, "", false},
		{"another machine, as localhost", open, nil, "Host: localhost", 403, "", false},
		{"another machine, a token of nobody", open, nil, "Authorization: Bearer " + annToken, 403, "", false},
		{"another machine without token", open, tokens, "", 401, "", false},
		{"another machine with token", open, tokens, "Host: serin.example|Authorization: Bearer " + annToken, 200, "ann", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{rollouts: []*api.Rollout{shop("default")}}
			r := request(t, "POST", "/api/v1/rollouts/shop/abort", "", strings.Split(tt.header, "|")...)
			w := httptest.NewRecorder()
			server.New(server.Options{Control: f, Tokens: tt.tokens}).Handler(tt.loopback).ServeHTTP(w, r)
			if w.Code != tt.status {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			if w.Code != 200 {
				problem(t, w)
				if len(f.acted) != 0 || (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
					t.Errorf("acted %v, headers %v", f.acted, w.Header())
				}
				return
			}
			if got := f.acted[0]; got.Actor != tt.actor || got.Verified != tt.verified {
				t.Errorf("got %q, verified %v", got.Actor, got.Verified)
			}
		})
	}
}

// TestWhoMayRead proves that reading needs no token, and that a page under a
// rebound name cannot do it.
func TestWhoMayRead(t *testing.T) {
	tokens, err := server.ParseTokens(annToken)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		loopback bool
		header   string
		status   int
	}{
		{"this machine", true, "", 200},
		{"a rebound name", true, "Host: evil.example", 403},
		{"a proxy with a token", true, "Host: serin.example|Authorization: Bearer " + annToken, 200},
		{"another machine", false, "Host: serin.example", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := server.New(server.Options{Control: &fake{rollouts: []*api.Rollout{shop("default")}}, Tokens: tokens})
			for _, path := range []string{"/api/v1/rollouts", "/api/v1/rollouts/shop", "/api/v1/rollouts/shop/history", "/api/v1/fleet"} {
				w := httptest.NewRecorder()
				s.Handler(tt.loopback).ServeHTTP(w, request(t, "GET", path, "", strings.Split(tt.header, "|")...))
				if w.Code != tt.status {
					t.Errorf("%s: got %d %s", path, w.Code, w.Body)
				}
			}
		})
	}
}
