package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestUsage is the table of command lines that are wrong, or that need no
// server: exit code, data and message.
func TestUsage(t *testing.T) {
	tests := []struct {
		args           string
		code           int
		stdout, stderr string // regular expressions
	}{
		{"promote --help", 0, `serin promote shop --full[^$]*--reason`, ""},
		{"get", 0, `serin get rollout shop -w`, ""},
		{"version", 0, `^serin \S+, built with go1\..*, tested with Envoy 1\.40\n$`, ""},
		{"version -o json", 0, `"envoy": "1.40"`, ""},
		{"version -o yaml", 0, `(?m)^envoy: "1.40"$`, ""},

		{"get pods", 1, "", `unknown command "pods"; serin get --help`},
		{"get rollout", 1, "", `accepts 1 arg`},
		{"get rollouts extra", 1, "", `unknown command "extra"`},
		{"get rollouts -o xml", 1, "", `want table, wide, json or yaml`},
		{"promote", 1, "", `accepts 1 arg`},
		{"promote shop --fully", 1, "", `unknown flag: --fully`},
		{"abort shop --full", 1, "", `unknown flag: --full`},
		{"fleet --server ftp://127.0.0.1", 1, "", `want HOST:PORT or http://HOST:PORT`},
		{"serve", 1, "", `where are the objects`},
		{"serve --config objects --log-level loud", 1, "", `want debug, info, warn or error`},
		{"serve --config objects --log-format xml", 1, "", `want text or json`},
		{"serve --config objects --kubernetes", 1, "", `none of the others can be`},

		{"bootstrap --gateway edge", 1, "", `required flag.*node-id`},
		{"bootstrap --node-id e", 1, "", `required flag.*gateway`},
		{"bootstrap --gateway a/b/c --node-id e", 1, "", `want NAME or NAMESPACE/NAME`},
		{"bootstrap --gateway / --node-id e", 1, "", `want NAME or NAMESPACE/NAME`},
		{"bootstrap --gateway edge --node-id e --xds nowhere", 1, "", `reading "nowhere" as HOST:PORT`},
		{"bootstrap --gateway edge --node-id e --tls-cert c.pem", 1, "", `go together`},

		{"validate", 1, "", `required flag.*filename`},
		{"validate good", 1, "", `unknown command "good"`},
		{"validate -f nowhere", 1, "", `reading "nowhere"`},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			code, stdout, stderr := program(t, strings.Fields(tt.args)...)
			if code != tt.code {
				t.Errorf("exit code %d", code)
			}
			matches(t, "stdout", tt.stdout, stdout)
			matches(t, "stderr", tt.stderr, stderr)
		})
	}
}

// matches checks an output; an empty pattern means that there is none.
func matches(t *testing.T, what, pattern, text string) {
	t.Helper()
	if pattern == "" && text != "" || !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("%s does not match %q: %q", what, pattern, text)
	}
}

// TestLogger proves that the level is heeded and that both forms are what they
// are called.
func TestLogger(t *testing.T) {
	for format, want := range map[string]string{"text": "level=WARN msg=two", "json": `"level":"WARN","msg":"two"`} {
		var b strings.Builder
		log, err := (&logOptions{format: format, level: "warn"}).logger(&b)
		if err != nil {
			t.Fatal(err)
		}
		log.Info("one")
		log.Warn("two")
		if got := b.String(); !strings.Contains(got, want) || strings.Contains(got, "one") {
			t.Errorf("%s: got %s", format, got)
		}
	}
}
