package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/serin-mesh/serin/rollout"
)

// TestOfflineUsage is the table of command lines of the tools that need no
// server, and of wait: exit code, data and message. All run in one folder.
func TestOfflineUsage(t *testing.T) {
	const rolloutText = "{apiVersion: serin.dev/v1alpha1, kind: Rollout, metadata: {name: NAME}, spec: {" +
		"template: {metadata: {labels: {app.kubernetes.io/version: v2}}}, strategy: {canary: {steps: [{setWeight: 20}, {pause: {duration: 1m}}]}}}}"
	named := func(name string) string { return strings.Replace(rolloutText, "NAME", name, 1) }
	dir := t.TempDir()
	put(t, dir, "shop.yaml", named("shop"))
	put(t, dir, "both.yaml", named("shop")+"\n---\n"+named("cart"))
	put(t, dir, "broken.yaml", strings.Replace(rolloutText, "template", "templet", 1))
	put(t, dir, "good.csv", "at,rps\n0,100\n")
	put(t, dir, "wrong.csv", "at,rps\n0,many\n")
	put(t, dir, "flood.csv", "at,rps\n0,1000000\n")
	t.Chdir(dir)
	tests := []struct {
		args           string
		code           int
		stdout, stderr string // regular expressions
	}{
		{"simulate -f shop.yaml --series good.csv --duration 30s", 3, `PauseStarted`, `not over after 30s: .*step 1 waits`},
		{"simulate -f both.yaml --series good.csv", 1, "", `want one Rollout; --rollout says which: default/cart or default/shop`},
		{"simulate -f both.yaml --series good.csv --rollout cart", 0, `Promoted`, `^serin: default/cart: promoted after 1m0`},
		{"simulate -f both.yaml --series good.csv --rollout desk", 1, "", `no Rollout default/desk`},
		{"simulate -f shop.yaml --series good.csv --stable v2", 1, "", `give another --stable`},
		{"simulate -f shop.yaml --series wrong.csv", 1, "", `reading the series "wrong.csv": line 2: rps: "many" is no number`},
		{"simulate -f shop.yaml --series nothing.csv", 1, "", `reading the series: .*nothing.csv`},
		{"simulate -f broken.yaml --series good.csv", 1, "", `broken.yaml:1:.* E102 `},
		{"simulate -f shop.yaml --series flood.csv --duration 8000h", 1, "", `are too many to draw`},
		{"simulate -f nowhere --series good.csv", 1, "", `reading "nowhere"`},
		{"simulate -f shop.yaml", 1, "", `required flag.*series`},

		{"translate -f shop.yaml", 0, `^\{\}\n$`, ""},
		{"translate -f shop.yaml --at-step 3", 1, "", `there is no step 3; want 0 to 2`},
		{"translate -f nowhere", 1, "", `reading "nowhere"`},
		{"translate -f broken.yaml", 2, "", `broken.yaml: 1 error:\nbroken.yaml:1:.* E102 `},
		{"translate -f shop.yaml -o table", 1, "", `want yaml or json`},
		{"translate", 1, "", `required flag.*filename`},

		{"schema service", 1, "", `there is no schema of "service"; there is one of analysistemplate, clusteranalysistemplate, release or rollout`},
		{"schema a b", 1, "", `at most 1 arg`},
		{"wait shop", 1, "", `required flag.*"for"`},
		{"wait shop --for healthy", 1, "", `want promoted, paused or aborted`},
		{"wait --for paused", 1, "", `accepts 1 arg`},
		{"explain", 1, "", `accepts 1 arg`},
		{"completion bash", 0, `__start_serin`, ""},
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

// TestPlan proves that every kind of step is played or passed over with a word,
// in its place.
func TestPlan(t *testing.T) {
	asked := planOf(rolloutOf(t, "[{prove: {timeout: 1m}}, {gate: {web: {url: 'http://a'}}}]", ""))
	if s := asked.Steps; s[0].Check == nil || s[0].Check.Timeout != time.Minute || !strings.Contains(s[1].Skip, "gate is not simulated") {
		t.Errorf("got %+v", s)
	}
	spec := planOf(rolloutOf(t, "[{setWeight: 20}, {pause: {}}, {pause: {duration: 5}}, {pause: {requests: 70}}, {setCanaryScale: {weight: 5}}, {setWeight: 60}, {setWeight: 40}, {setWeight: 90}]", ""))
	if n := len(spec.Steps); n != 8 {
		t.Fatalf("%d steps", n)
	}
	if s := spec.Steps; *s[0].SetWeight != 200_000 || *s[1].Pause != pauseOf(0, 0) || *s[2].Pause != pauseOf(5, 0) ||
		*s[3].Pause != pauseOf(0, 70) || !strings.Contains(s[4].Skip, "setCanaryScale") {
		t.Errorf("got %+v", s)
	}
	if d := timedPauses(spec); d.Seconds() != 5 || !countsRequests(spec) {
		t.Errorf("timed pauses of %s", d)
	}
}

// pauseOf is a pause of seconds or of requests.
func pauseOf(seconds int, requests uint64) rollout.PauseSpec {
	return rollout.PauseSpec{Duration: time.Duration(seconds) * time.Second, Requests: requests}
}

// TestHowToIsTrue plays the example of the documentation: what it says of the
// exit codes and of the last line holds.
func TestHowToIsTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/how-to/test-a-rollout-in-ci.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	names := map[string][]string{"yaml": {"shop.yaml", "incident.yaml", "promoted.yaml"}, "csv": {"good.csv", "bad.csv"}}
	for _, m := range regexp.MustCompile("(?s)```(yaml|csv)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		form := m[1]
		put(t, dir, names[form][0], m[2])
		names[form] = names[form][1:]
	}
	if len(names["yaml"])+len(names["csv"]) > 0 {
		t.Fatalf("the page lacks %v", names)
	}
	t.Chdir(dir)
	quoted := regexp.MustCompile("(?m)^serin: default/shop: aborted .*\n").FindString(string(text))
	for series, want := range map[string]int{"good.csv": exitOK, "bad.csv": exitRefused, "incident.yaml": exitOK, "promoted.yaml": exitOK} {
		code, _, stderr := program(t, "simulate", "-f", "shop.yaml", "--series", series)
		if code != want || series == "bad.csv" && stderr != quoted {
			t.Errorf("%s: got %d %s", series, code, stderr)
		}
	}
}
