package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	judgeConfig = `{"metrics": [{"name": "errors", "groups": ["g"]}], "classifier": {"scoreThresholds": {"pass": 95, "marginal": 75}}}`
	judgeData   = `{"errors": {"control": [1, 2, 3, 4, 5, 6], "experiment": [11, 12, 13, 14, 15, "NaN"]}}`
)

// TestJudgeUsage is the table of command lines of judge: exit code, data and
// message. All run in one folder.
func TestJudgeUsage(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "config.json", judgeConfig)
	put(t, dir, "data.json", judgeData)
	put(t, dir, "few.json", strings.Replace(judgeData, "13, 14, ", "", 1))
	put(t, dir, "words.json", `{"errors": {"control": ["many"]}}`)
	put(t, dir, "empty.json", `{}`)
	t.Chdir(dir)
	tests := []struct {
		args           string
		code           int
		stdout, stderr string // regular expressions
	}{
		{"--config config.json --data data.json", 0, `(?m)^metric  errors  High   3.71\n.*\ncanary  -       Fail   0.00$`, `^$`},
		{"--config config.json --data data.json -o wide", 0, `REASON\n.*the experiment's values are higher`, `^$`},
		{"--config config.json --data data.json -o yaml", 0, `(?m)^classification: Fail\n`, `^$`},
		{"--config config.json --data few.json", 0, `canary .* Fail`, `^serin: warning: metric "errors": under 5 values`},
		{"--config config.json --data few.json --strict", 0, `canary .* cannot judge .*under 5 values`, `warning`},
		{"--config config.json --data few.json --strict -o json", 0, `"cannotJudge": "metric`, `^$`},
		{"--config config.json", 1, "", `required flag.*"data"`},
		{"--config nowhere.json --data data.json", 1, "", `reading the canary config: .*nowhere.json`},
		{"--config config.json --data nowhere.json", 1, "", `reading the metrics' values: .*nowhere.json`},
		{"--config empty.json --data data.json", 1, "", `empty.json: reading canary config: metrics: there are none`},
		{"--config config.json --data words.json", 1, "", `words.json: .*"many" is neither a number`},
		{"--config config.json --data data.json more", 1, "", `unknown command|accepts 0 arg`},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			var stdout, stderr strings.Builder
			code := execute(t.Context(), append([]string{"judge"}, strings.Fields(tt.args)...), &stdout, &stderr)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !regexp.MustCompile(tt.stdout).MatchString(stdout.String()) {
				t.Errorf("stdout %q, want %q", stdout.String(), tt.stdout)
			}
			if !regexp.MustCompile(tt.stderr).MatchString(stderr.String()) {
				t.Errorf("stderr %q, want %q", stderr.String(), tt.stderr)
			}
		})
	}
}

// The JSON is what scripts rely on.
func TestJudgeJSON(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "config.json", judgeConfig)
	put(t, dir, "data.json", judgeData)
	t.Chdir(dir)
	var stdout, stderr strings.Builder
	if code := execute(t.Context(), strings.Fields("judge --config config.json --data data.json -o json"), &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(stdout.String()), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"score":          0.0,
		"classification": "Fail",
		"metrics": map[string]any{"errors": map[string]any{
			"classification": "High", "ratio": 13 / 3.5, "critical": false, "reason": "the experiment's values are higher",
		}},
		"groups": map[string]any{"g": map[string]any{"score": 0.0}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
