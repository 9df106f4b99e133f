package analysis

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// play does one drawn thing to each of the tests.
func play(t *rapid.T, all ...*ErrorRate) {
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 0:
		for _, e := range all {
			e.Step()
		}
	case 1:
		canary, stable := rapid.Float64Range(0, 1e6).Draw(t, "canary"), rapid.Float64Range(0, 1e6).Draw(t, "stable")
		known := rapid.Bool().Draw(t, "known")
		for _, e := range all {
			e.Requests(canary, stable, known)
		}
	case 2:
		n := rapid.IntRange(0, 7).Draw(t, "hosts")
		for _, e := range all {
			e.Hosts(n)
		}
	default:
		f := Failure{
			Canary: rapid.Bool().Draw(t, "version"),
			Weight: rapid.SampledFrom([]float64{0, 1e-6, 0.05, 0.2, 0.5, 1}).Draw(t, "weight"),
			Host:   rapid.SampledFrom([]string{"", "a", "b", "c", "d", "e"}).Draw(t, "host"),
			Flag:   rapid.SampledFrom([]string{"", "UF", "UH"}).Draw(t, "flag"),
		}
		for _, e := range all {
			e.Failure(f)
		}
	}
}

// A test that is stored and decoded in the middle gives the same results ever
// after, to the last bit.
func TestStateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := NewErrorRate(Config{
			Margin:       rapid.Float64Range(0, 2).Draw(t, "margin"),
			MaxIncrease:  0.005,
			PlannedSteps: rapid.IntRange(0, 4).Draw(t, "planned"),
		})
		for range rapid.IntRange(0, 60).Draw(t, "before") {
			play(t, e)
		}
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var restarted ErrorRate
		if err := json.Unmarshal(data, &restarted); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 60).Draw(t, "after") {
			play(t, e, &restarted)
			if diff := cmp.Diff(e.Verdict(), restarted.Verdict()); diff != "" {
				t.Fatalf("after the restart (-without +with):\n%s", diff)
			}
		}
	})
}

// Whatever of the stored state is impossible is refused, and changes nothing.
func TestStateRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(s *state)
		want string
	}{
		{"format", func(s *state) { s.Format = 1 }, "format 1"},
		{"alpha", func(s *state) { s.Config.Alpha = 0 }, "out of range"},
		{"steps", func(s *state) { s.Steps = 3 }, "3 steps of 2"},
		{"weight", func(s *state) { s.Weight = 1.5 }, "weight 1.5"},
		{"too few values", func(s *state) { s.Values = s.Values[1:] }, "14 components, want 15"},
		{"too few onsets", func(s *state) { s.Onset = nil }, "0 onsets"},
		{"negative value", func(s *state) { s.Values[3] = -1 }, "component 3"},
		{"huge value", func(s *state) { s.Best[4] = 1e300 }, "component 4"},
		{"later onset", func(s *state) { s.Onset[5].CanaryFailures = 99 }, "onset 5"},
		{"negative onset", func(s *state) { s.Onset[5].CanaryRequests = -1 }, "onset 5"},
		{"negative requests", func(s *state) { s.Total.StableRequests = -1 }, "out of range"},
		{"failures lost", func(s *state) { s.Failures = 1 }, "do not sum"},
		{"failures of a host", func(s *state) { s.Hosts.Known[0].Failures = 90 }, `90 failures of host "a"`},
		{"a host without failures", func(s *state) { s.Hosts.Known[0].Failures = 0 }, `0 failures of host "a"`},
		{"too many hosts", func(s *state) { s.Hosts.Count = -1 }, "hosts: -1"},
		{"too few groups", func(s *state) { s.Hosts.Rest = s.Hosts.Rest[1:] }, "3 groups"},
		{"value of a group", func(s *state) { s.Hosts.Rest[2][3] = -1 }, "group 2 of hosts: component 3"},
		{"too few values of a group", func(s *state) { s.Hosts.Rest[0] = nil }, "group 0 of hosts: 0 components"},
		{"flags", func(s *state) { s.Flags = make([]flagCount, 9) }, "9 flags"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := NewErrorRate(Config{Margin: 0.4, PlannedSteps: 2})
			fail(e, 5, "a")
			good, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			var s state
			if err := json.Unmarshal(good, &s); err != nil {
				t.Fatal(err)
			}
			c.edit(&s)
			bad, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.UnmarshalJSON(bad); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if after, _ := json.Marshal(e); string(after) != string(good) {
				t.Errorf("a refused state changed the test:\n%s", cmp.Diff(string(good), string(after)))
			}
		})
	}
}

// FuzzState decodes anything: it is refused, or it is a test that works and is
// stored as the same again.
func FuzzState(f *testing.F) {
	e := NewErrorRate(Config{Margin: 0.4, PlannedSteps: 2})
	for _, n := range []int{0, 1, 40} {
		fail(e, n, "a")
		data, err := json.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, bad := range []string{``, `{}`, `null`, `{"format":2}`, `{"format":2,"values":[null]}`} {
		f.Add([]byte(bad))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var e ErrorRate
		if err := e.UnmarshalJSON(data); err != nil {
			return
		}
		first, err := json.Marshal(&e)
		if err != nil {
			t.Fatalf("a decoded state cannot be stored: %v", err)
		}
		var again ErrorRate
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatalf("a stored state cannot be decoded: %v", err)
		}
		e.Step()
		fail(&e, 3, "b")
		if v := e.Verdict(); !(v.Evidence >= 0 && v.Evidence <= 1e291) {
			t.Errorf("evidence %v", v.Evidence)
		}
	})
}
