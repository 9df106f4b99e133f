package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/rollout"
)

// comparePoints lets go-cmp look into points.
var comparePoints = cmp.AllowUnexported(point{})

// TestSeries proves that every form gives the same points, and that what is left
// out stays as it was.
func TestSeries(t *testing.T) {
	promote := &rollout.Action{Verb: rollout.Promote, Actor: person}
	want := []point{
		{rps: 100, stable: 0.001, canary: 0.001},
		{at: 90 * time.Second, rps: 100, stable: 0.001, canary: 0.05, action: promote},
		{at: 5 * time.Minute, canary: 0.05, stable: 0.001},
	}
	for name, s := range map[string]struct {
		decode func([]byte) (*series, error)
		text   string
	}{
		"CSV":              {decodeCSV, "at,rps,stableErrors,canaryErrors,action\n0,100,0.001,1e-3,\n90s,,,0.05,promote\n5m,0,,,\n"},
		"CSV, other order": {decodeCSV, "# made by hand\ncanaryErrors, at ,rps,action, stableErrors\r\n0.001,0s,100,,0.001\r\n0.05, 1m30s,,promote,\r\n,300,0,,"},
		"YAML": {decodeSeries, "- {at: 0, rps: 100, stableErrors: 0.001, canaryErrors: 0.001}\n" +
			"- {at: 90, canaryErrors: 0.05, action: promote}\n- {at: 5m, rps: 0}\n"},
		"JSON": {decodeSeries, `[{"rps":100,"stableErrors":0.001,"canaryErrors":0.001},{"at":"1.5m","canaryErrors":0.05,"action":"promote"},{"at":"5m","rps":0}]`},
		"an object": {decodeSeries, "seed: 7\npoints:\n- {rps: 100, stableErrors: 0.001, canaryErrors: 0.001}\n" +
			"- {at: 90s, canaryErrors: 0.05, action: promote}\n- {at: 5m, rps: 0}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.decode([]byte(s.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.points, comparePoints); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if (got.seed != nil) != (name == "an object") || got.seed != nil && *got.seed != 7 {
				t.Errorf("seed %v", got.seed)
			}
		})
	}
}

// TestSeriesMistakes is the table of what cannot be played, with what the
// message says.
func TestSeriesMistakes(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "no points"}, {"[]", "no points"}, {"{}", "no points"}, {"points: []", "no points"},
		{"- {rps: -1}", "point 1: rps: want 0 to 1e+06"},
		{"- {rps: .nan}", "NaN"},
		{"- {rps: 1}\n- {at: 1, rps: 1e9}", "point 2: rps"},
		{"- {stableErrors: 1.5}", "stableErrors: want a part of the requests, 0 to 1, not 1.5"},
		{"- {canaryErrors: -0.1}", "canaryErrors: want a part"},
		{"- {at: -1s}", "at: -1s is not between"},
		{"- {at: 9000h}", "at: 9000h0m0s is not between"},
		{"- {at: soon}", "soon is no duration"},
		{"- {at: 5}\n- {at: 5s}", "point 2: at: 5s is not after 5s"},
		{"- {action: panic}", `action: want promote, promote --full, pause, resume, abort, retry or rollback, not "panic"`},
		{"- {errors: 1}", "unknown field"}, {"seeds: 1", "unknown field"},
		{"- {rps: many}", "want a list of {at, rps, stableErrors, canaryErrors, action}"},
		{"rps: [", "did not find"}, {"- {at: 1, at: 2}", "already set"},
	}
	for _, tt := range tests {
		if _, err := decodeSeries([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q", tt.text, err, tt.want)
		}
	}
	for _, tt := range []struct{ text, want string }{
		{"", "no points"}, {"at,rps\n", "no points"},
		{"at,requests\n0,1\n", `at, rps, stableErrors, canaryErrors or action, not "requests"`},
		{"at,at\n0,1\n", `each once`},
		{"at,rps\n0,1\n\n5,many\n", `line 4: rps: "many" is no number`},
		{"at,rps\nsoon,1\n", "line 2: soon is no duration"},
		{"at,rps\n0,1,2\n", "wrong number of fields"},
		{"at,rps\n0,NaN\n", "point 1: rps"},
		{"at,rps\n0,+Inf\n", "point 1: rps"},
		{"at,rps\n\"0,1\n", "quote"},
	} {
		if _, err := decodeCSV([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q", tt.text, err, tt.want)
		}
	}
}

// TestSeriesFile proves that the name of a file says which form it has.
func TestSeriesFile(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.CSV", "at,rps\n0,5\n")
	put(t, dir, "a.yaml", "[{rps: 5}]")
	put(t, dir, "bad.yaml", "at,rps\n0,5\n")
	for _, name := range []string{"a.CSV", "a.yaml"} {
		if s, err := readSeries(dir + "/" + name); err != nil || len(s.points) != 1 || s.points[0].rps != 5 {
			t.Errorf("%s: got %v, %v", name, s, err)
		}
	}
	for _, name := range []string{"bad.yaml", "missing.csv"} {
		if _, err := readSeries(dir + "/" + name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// asCSV writes points as a file has them, with every cell filled in.
func asCSV(points []point) string {
	text := strings.Join(columns, ",") + "\n"
	for _, p := range points {
		action := ""
		if a := p.action; a != nil {
			action = string(a.Verb)
			if a.Full {
				action = full
			}
		}
		text += fmt.Sprintf("%s,%v,%v,%v,%s\n", p.at, p.rps, p.stable, p.canary, action)
	}
	return text
}

// drawPoints draws a series that can be played.
func drawPoints(t *rapid.T, rps, errors float64) []point {
	var at time.Duration
	var out []point
	for range rapid.IntRange(1, 6).Draw(t, "points") {
		p := point{
			at:     at,
			rps:    rapid.Float64Range(0, rps).Draw(t, "rps"),
			stable: rapid.Float64Range(0, errors).Draw(t, "stable"),
			canary: rapid.Float64Range(0, errors).Draw(t, "canary"),
		}
		p.action, _ = actionOf(rapid.SampledFrom(append([]string{""}, seriesActions...)).Draw(t, "action"))
		out = append(out, p)
		at += time.Duration(rapid.IntRange(1, 60_000).Draw(t, "gap")) * time.Millisecond
	}
	return out
}

// TestSeriesRoundTrip proves that a series that is written is read as it was.
func TestSeriesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		points := drawPoints(t, maxRPS, 1)
		got, err := decodeCSV([]byte(asCSV(points)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(points, got.points, comparePoints); diff != "" {
			t.Errorf("-written +read:\n%s", diff)
		}
	})
}

// FuzzSeries reads any text in both forms. Whatever is accepted can be played,
// and means the same when it is written and read again.
func FuzzSeries(f *testing.F) {
	for _, text := range []string{
		"at,rps,stableErrors,canaryErrors,action\n0,100,0.001,0.001,\n90s,,,0.05,promote --full\n",
		"[{at: 1h, rps: 5, action: abort}]", "seed: 1\npoints: [{}]", "- {at: \"10\"}\n- {at: 1e1}", "rps\n1", "# x\nat\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, decode := range map[string]func([]byte) (*series, error){"CSV": decodeCSV, "YAML": decodeSeries} {
			s, err := decode([]byte(text))
			if err != nil {
				continue
			}
			again, err := decodeCSV([]byte(asCSV(s.points)))
			if err != nil {
				t.Fatalf("%s gives %v, which cannot be read again: %v", name, s.points, err)
			}
			if diff := cmp.Diff(s.points, again.points, comparePoints); diff != "" || len(s.points) == 0 {
				t.Errorf("%s, -read +read again:\n%s", name, diff)
			}
		}
	})
}
