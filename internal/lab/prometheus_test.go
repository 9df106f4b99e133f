package lab

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program writes an executable and gives its path.
func program(t *testing.T, path ...string) string {
	t.Helper()
	at := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return at
}

// The order: the variable, PATH, .tools above, and an end at the root.
func TestFindPrometheus(t *testing.T) {
	root := t.TempDir()
	tools := program(t, root, ".tools", "prometheus-x", "prometheus")
	onPath := program(t, root, "bin", "prometheus")
	named := program(t, root, "named", "prom")
	for _, dir := range []string{"checkout/.git", "a/b"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name, variable, path, dir, want string
		err                             error
	}{
		{"the variable", named, filepath.Dir(onPath), "a/b", named, nil},
		{"PATH", "", filepath.Dir(onPath), "a/b", onPath, nil},
		{".tools", "", "", "a/b", tools, nil},
		{"not above the root of a checkout", "", "", "checkout", "", ErrNoPrometheus},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(PrometheusVariable, tt.variable)
			t.Setenv("PATH", tt.path)
			t.Chdir(filepath.Join(root, tt.dir))
			got, err := FindPrometheus()
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
	t.Setenv(PrometheusVariable, filepath.Join(root, "nowhere"))
	if _, err := FindPrometheus(); err == nil || !strings.Contains(err.Error(), PrometheusVariable) {
		t.Errorf("a wrong name: %v", err)
	}
}

func TestScrapeConfig(t *testing.T) {
	got := scrapeConfig(200*time.Millisecond, []string{"127.0.0.1:1", "127.0.0.1:2"})
	for _, want := range []string{"scrape_interval: 200ms", `targets: ["127.0.0.1:1", "127.0.0.1:2"]`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestPrometheusThatEnds(t *testing.T) {
	t.Setenv(PrometheusVariable, program(t, t.TempDir(), "prometheus"))
	p, err := StartPrometheus(t.TempDir(), time.Second, "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "it ended") {
		t.Errorf("got %v, want that it ended", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
