package rollout_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/rollout"
)

// TestLowersBeside: less beside the canary lowers, more raises, and so does what is
// both.
func TestLowersBeside(t *testing.T) {
	split := func(weight rollout.Weight, parts ...rollout.Part) rollout.Split {
		return rollout.Split{Stable: "v1", Canary: "v2", Weight: weight, Beside: parts}
	}
	e1, e2, less := rollout.Part{Version: "e1", Weight: 5}, rollout.Part{Version: "e2", Weight: 5}, rollout.Part{Version: "e1", Weight: 4}
	for name, c := range map[string]struct {
		from, to rollout.Split
		want     bool
	}{
		"all of it goes":                   {split(20, e1, e2), split(20), true},
		"one goes":                         {split(20, e1, e2), split(20, e2), true},
		"one has less":                     {split(20, e1), split(20, less), true},
		"one has more":                     {split(20, less), split(20, e1), false},
		"one comes":                        {split(20), split(20, e1), false},
		"one comes to a canary at nothing": {split(0), split(0, e1), false},
		"one comes, one goes":              {split(20, e1), split(20, e2), false},
		"one comes, the canary has less":   {split(20), split(10, e1), false},
		"one goes, the canary has more":    {split(20, e1), split(30), false},
		"all goes with the canary":         {split(20, e1), rollout.Split{Stable: "v1", Canary: "v3", Retired: []string{"e1", "v2"}}, true},
		"a former route is forgotten":      {rollout.Split{Stable: "v1", Canary: "v2", Weight: 20, Former: []rollout.Mix{split(0, e1).Mix()}}, split(20), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.from.Lowers(c.to); got != c.want {
				t.Errorf("it lowers: %v, want %v", got, c.want)
			}
		})
	}
}

func TestRest(t *testing.T) {
	s := rollout.Split{Stable: "v1", Canary: "v2", Weight: 200_000, Beside: []rollout.Part{{Version: "e1", Weight: 50_000}, {Version: "e2", Weight: 1}}}
	if got := s.Rest(); got != 749_999 {
		t.Errorf("the rest is %d", got)
	}
	if got := (rollout.Split{Stable: "v1"}).Rest(); got != rollout.Total {
		t.Errorf("the rest of all is %d", got)
	}
	if d := cmp.Diff(rollout.Mix{Canary: "v2", Beside: []string{"e1", "e2"}}, s.Mix()); d != "" {
		t.Errorf("mix (-want +got):\n%s", d)
	}
}

// TestWithin: of what is visible stays what is wanted still, and nothing is added.
func TestWithin(t *testing.T) {
	a, b := header("a", "x", 0), header("b", "y", 1)
	visible := rollout.Split{Stable: "v1", Canary: "v2", Weight: 20, Retired: []string{"v0"}, Routes: []rollout.ManagedRoute{a},
		Beside: []rollout.Part{{Version: "e1", Weight: 5}, {Version: "e2", Weight: 5}}}
	cut := visible
	cut.Weight, cut.Routes, cut.Beside = 10, nil, []rollout.Part{{Version: "e2", Weight: 4}}
	cut.Retired, cut.Former = []string{"e1", "v0"}, []rollout.Mix{{Canary: "v2", Beside: []string{"e1", "e2"}}}
	for name, c := range map[string]struct{ wanted, want rollout.Split }{
		"more of everything": {rollout.Split{Stable: "v1", Canary: "v2", Weight: 30, Routes: []rollout.ManagedRoute{a, b},
			Beside: []rollout.Part{{Version: "e1", Weight: 6}, {Version: "e2", Weight: 6}, {Version: "e3", Weight: 6}}}, visible},
		"less, and more": {rollout.Split{Stable: "v1", Canary: "v2", Weight: 10, Routes: []rollout.ManagedRoute{b},
			Beside: []rollout.Part{{Version: "e2", Weight: 4}, {Version: "e3", Weight: 6}}}, cut},
		"another stable version": {rollout.Split{Stable: "v2", Retired: []string{"v1"}}, visible},
		"another canary":         {rollout.Split{Stable: "v1", Canary: "v3"}, visible},
	} {
		t.Run(name, func(t *testing.T) {
			got := visible.Within(c.wanted)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if !visible.Lowers(got) {
				t.Errorf("%+v does not lower", got)
			}
		})
	}
}

// TestStatesOfBefore: a state and a journal without versions beside a canary are
// written as they were before there were any.
func TestStatesOfBefore(t *testing.T) {
	s := asking(t)
	for what, v := range map[string]any{"state": s.state, "record": rollout.Record{Kind: rollout.CheckStarted}} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range []string{"parts", "former", `"beside":[`} {
			if strings.Contains(string(data), field) {
				t.Errorf("the %s has %s: %s", what, field, data)
			}
		}
	}
}
