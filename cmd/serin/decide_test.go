package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
)

// TestStepsThatCannotDecide: with traffic given, each timed step is told whether
// the guard can have decided in it, where it is written.
func TestStepsThatCannotDecide(t *testing.T) {
	const head = "apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: shop}\nspec:\n" +
		"  template: {metadata: {labels: {app.kubernetes.io/version: v1}}}\n  strategy:\n    canary:\n      steps:\n"
	tests := []struct {
		name, steps, flags string
		want               []string // of the findings with W229, as LINE: MESSAGE
	}{
		{"enough", "      - setWeight: 20\n      - pause: {duration: 10m}\n", "--rps 100", nil},
		{"too little traffic", "      - setWeight: 20\n      - pause: {duration: 1m}\n      - setWeight: 50\n      - pause: {duration: 30m}\n", "--rps 1",
			[]string{`9: 1m0s at 20%: at 1 requests a second the guard needs about \d+m\d+s to see 5% more errors over 0.5%; the step may be over before`}},
		{"pauses add up", "      - setWeight: 20\n      - pause: {duration: 10m}\n      - pause: {duration: 20m}\n", "--rps 1", nil},
		{"less harm takes longer", "      - setWeight: 20\n      - pause: {duration: 10m}\n", "--rps 1 --increase 0.01", []string{`9: .* guard needs about .* to see 1% more errors over 0.5%`}},
		{"a person ends it", "      - setWeight: 20\n      - pause: {}\n", "--rps 1", nil},
		{"no pause at all", "      - setWeight: 20\n      - setWeight: 100\n", "--rps 100", []string{`9: 0s at 20%`}},
		{"a proof", "      - setWeight: 20\n      - prove: {timeout: 1m}\n", "--rps 10", []string{`10: at 20% of 10 requests a second a proof takes about 6m34s even without errors, longer than its timeout of 1m0s`}},
		{"a proof before promotion", "      - setWeight: 20\n      - pause: {requests: 100}\n      guard: {promotion: {prove: {timeout: 5m}}}\n", "--rps 10",
			[]string{`11: at 20% of 10 requests a second a proof takes about 5m44s even without errors, longer than its timeout of 5m0s`}},
		{"one that the steps have given", "      - setWeight: 20\n      - pause: {requests: 800}\n      guard: {promotion: {prove: {timeout: 1s}}}\n", "--rps 10", nil},
		{"a proof that can be had", "      - setWeight: 20\n      - prove: {timeout: 7m}\n", "--rps 10", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "shop.yaml")
			if err := os.WriteFile(name, []byte(head+tt.steps), 0o600); err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := program(t, append([]string{"validate", "-f", name}, strings.Fields(tt.flags)...)...)
			if code != 0 {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			var got []string
			for line := range strings.Lines(stdout) {
				if strings.Contains(line, string(api.CodeUndecided)) {
					got = append(got, strings.TrimSpace(strings.TrimPrefix(line, name+":")))
				}
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i, want := range tt.want {
				line, message, _ := strings.Cut(want, ": ")
				if !regexp.MustCompile(`^` + line + `:\d+: W229 spec.strategy.canary.(steps\[\d\]|guard.promotion): ` + message).MatchString(got[i]) {
					t.Errorf("got %q, want %q", got[i], want)
				}
			}
		})
	}
}

// TestTimeToSee: below the findings each weight is told how long it takes to see a
// harm, the one that was asked for and a total failure, and whether the pauses
// are as long.
func TestTimeToSee(t *testing.T) {
	const text = "apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: shop}\nspec:\n" +
		"  template: {metadata: {labels: {app.kubernetes.io/version: v1}}}\n  strategy: {canary: {GUARDsteps: [{setWeight: 0}, {setWeight: 20}, {pause: {duration: 1m}}, " +
		"{setWeight: 50}, {pause: {}}, {setWeight: 100}]}}\n"
	for _, tt := range []struct {
		guard, flags string
		want         []string // the lines below the head, single-spaced
	}{
		{"", "--rps 20", []string{
			"1 20% 1m0s +5 points 1040 1340 1m7s no", "1 20% 1m0s total failure 31 35 1.7s yes",
			"3 50% - +5 points 905 1000 50s -", "3 50% - total failure 30 34 1.7s -"}},
		{"", "--rps 100 --increase 0.004 --errors 0", []string{
			"1 20% 1m0s +0.4 points never never never no", "1 20% 1m0s total failure 29 35 400ms yes",
			"3 50% - +0.4 points never never never no", "3 50% - total failure 29 34 300ms -"}},
		{"guard: {mode: 'off'}, ", "--rps 20", nil},
	} {
		name := filepath.Join(t.TempDir(), "shop.yaml")
		if err := os.WriteFile(name, []byte(strings.Replace(text, "GUARD", tt.guard, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, stdout, stderr := program(t, append([]string{"validate", "-f", name}, strings.Fields(tt.flags)...)...)
		_, plan, _ := strings.Cut(stdout, "ENOUGH\n")
		var got []string
		for line := range strings.Lines(plan) {
			got = append(got, strings.Join(strings.Fields(line), " "))
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s%s", tt.flags, d, stderr)
		}
	}
}

func TestTrafficThatMeansNothing(t *testing.T) {
	for _, flags := range []string{"--rps 0", "--rps -1", "--rps 1 --errors 1", "--rps 1 --increase 0", "--rps 1 --errors .6 --increase .6"} {
		code, _, stderr := program(t, append([]string{"validate", "-f", "testdata"}, strings.Fields(flags)...)...)
		if code != 1 || !strings.Contains(stderr, "want a") {
			t.Errorf("%s: exit %d: %s", flags, code, stderr)
		}
	}
	if got := round(secondsOf(1e30)); got != "forever" {
		t.Errorf("of 1e30 seconds: %s", got)
	}
	if got := round(1500 * time.Millisecond); got != "1.5s" {
		t.Errorf("of 1.5 s: %s", got)
	}
}
