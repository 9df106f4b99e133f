package sim_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/rollout/sim"
)

// violation gives the violation that an error is of.
func violation(err error) (*sim.Violation, bool) {
	var v *sim.Violation
	return v, errors.As(err, &v)
}

func TestScriptPrintsWhatParseReads(t *testing.T) {
	want := sim.Script{Comment: "two lines\nof comment\n", Events: []string{"want v1", "endpoints v1 2", "crash"}}
	got, err := sim.Parse([]byte(want.String()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-printed +parsed):\n%s", diff)
	}
}

func TestParse(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
		fail string
	}{
		"comments and blanks":  {"-- history --\n# first\n\n want v1 # the first one\ncrash\n", []string{"want v1", "crash"}, ""},
		"another file":         {"-- other --\nwant v1\n", nil, "no events"},
		"nothing but comments": {"-- history --\n# want v1\n", nil, "no events"},
		"several files":        {"-- a --\nx\n-- history --\ntick\n-- b --\ny\n", []string{"tick"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := sim.Parse([]byte(tt.text))
			if tt.fail != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fail) {
					t.Fatalf("error %v, want %q", err, tt.fail)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got.Events); err != nil || diff != "" {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestReplayNamesTheLineThatCannotBeRead(t *testing.T) {
	for _, line := range []string{"dance", "want v9", "want", "steps 101", "steps NaN", "steps pause:soon", "steps requests:-1",
		"connect e9", "send e1", "take e1 letters", "hear", "pass", "pass long", "harm -1", "endpoints v1 x", "freeze x",
		"late many", "commit -1", "paused maybe", "onharm laugh", "frozen maybe", "deadline", "window x", "count x", "beside v9", "beside v3 101", "unbeside x"} {
		err := sim.Replay(sim.Script{Events: []string{"want v1", line}})
		if _, broken := violation(err); err == nil || broken || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: error %v, want one that names line 2", line, err)
		}
	}
}

func TestInvariantsAreNamedOnce(t *testing.T) {
	var names []string
	for _, i := range sim.Invariants() {
		if !strings.HasSuffix(i.Says, ".") {
			t.Errorf("%s says %q, which is no sentence", i.Name, i.Says)
		}
		if slices.Contains(names, i.Name) {
			t.Errorf("%s is there twice", i.Name)
		}
		names = append(names, i.Name)
	}
}

// TestSameSeedSameHistory: a seed that fails once fails again, with the same
// script.
func TestSameSeedSameHistory(t *testing.T) {
	for seed := range uint64(20) {
		a, b := sim.Run(seed, 50), sim.Run(seed, 50)
		if (a == nil) != (b == nil) || a != nil && a.Error() != b.Error() {
			t.Errorf("seed %d: %v, then %v", seed, a, b)
		}
	}
}
