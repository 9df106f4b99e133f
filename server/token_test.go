package server_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

// TestParseTokens reads token files, and tries each token that they hold.
func TestParseTokens(t *testing.T) {
	tests := []struct {
		name, text string
		tokens     map[string]string // secret -> name
		err        string
	}{
		{"one alone", "s3cret\n", map[string]string{"s3cret": "token"}, ""},
		{"by name", "ann:a\r\nbot: b \n", map[string]string{"a": "ann", "b": "bot"}, ""},
		{"comments and gaps", "# who\n\n  ann:a\n", map[string]string{"a": "ann"}, ""},
		{"a colon in a token", "ann:a:b", map[string]string{"a:b": "ann"}, ""},
		{"empty", "", nil, "no token found"},
		{"comments only", "# nobody\n", nil, "no token found"},
		{"no secret", "ann:", nil, "line 1: want NAME:TOKEN"},
		{"no name", "\n:secret", nil, "line 2: want NAME:TOKEN"},
		{"a name twice", "ann:a\nann:b", nil, `line 2: the name "ann"`},
		{"two alone", "a\nb", nil, `line 2: the name "token"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tokens, err := server.ParseTokens(tt.text)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for secret, name := range tt.tokens {
				if got := holder(t, tokens, secret); got != name {
					t.Errorf("%q is of %q, got %q", secret, name, got)
				}
			}
		})
	}
}

// holder acts with a token and gives the name that is noted, "" for none.
func holder(t *testing.T, tokens server.Tokens, secret string) string {
	t.Helper()
	f := &fake{rollouts: []*api.Rollout{shop("default")}}
	r := request(t, "POST", "/api/v1/rollouts/shop/abort", "")
	r.Header["Authorization"] = []string{"Bearer " + secret}
	server.New(server.Options{Control: f, Tokens: tokens}).Handler(false).ServeHTTP(httptest.NewRecorder(), r)
	if len(f.acted) == 0 {
		return ""
	}
	return f.acted[0].Actor
}

// FuzzParseTokens proves that a file that is accepted never lets an empty token
// in.
func FuzzParseTokens(f *testing.F) {
	for _, seed := range []string{"", "a", "a:b", ":", "a:\nb", "#", "a:b\na:c", "\r", ": :"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tokens, err := server.ParseTokens(text)
		if (err == nil) != (len(tokens) > 0) {
			t.Fatalf("%d tokens with error %v", len(tokens), err)
		}
		if err == nil && holder(t, tokens, "") != "" {
			t.Errorf("an empty token is somebody's in %q", text)
		}
	})
}
