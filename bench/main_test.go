package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		expression string
		want       []string
	}{
		{".", []string{"reaction", "hanging", "abort", "weight_change", "swap", "streams", "growth", "core", "analysis", "cluster"}},
		{"abort|swap", []string{"abort", "swap"}},
		{"^s", []string{"swap", "streams"}},
	} {
		chosen, err := choose(c.expression)
		if err != nil {
			t.Errorf("choose(%q): %v", c.expression, err)
		}
		var names []string
		for _, b := range chosen {
			names = append(names, b.name)
		}
		if diff := cmp.Diff(c.want, names); diff != "" {
			t.Errorf("choose(%q): -want +got\n%s", c.expression, diff)
		}
	}
	for _, bad := range []string{"(", "nothing of this name"} {
		if _, err := choose(bad); err == nil {
			t.Errorf("choose(%q) found something", bad)
		}
	}
}

// TestOneWritesAFile: a bench that ran leaves its file, stamped and summed up;
// one that broke leaves none and says why.
func TestOneWritesAFile(t *testing.T) {
	o := options{out: t.TempDir()}
	good := bench{"good", func(context.Context, *machine) (*record, error) {
		r := newRecord("a test", map[string]any{"runs": 2})
		s := r.series("serin", "itself")
		s.add(figures{"took_ms": 1})
		s.add(figures{"took_ms": 4})
		r.atMost("took", s.median("took_ms"), 2)
		return r, nil
	}}
	if _, err := o.one(t.Context(), &machine{commit: "abc"}, good); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(o.out, "good.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got record
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "good" || got.Commit != "abc" || got.CPUs == 0 || got.When.IsZero() {
		t.Errorf("the file is not stamped: %s", data)
	}
	if diff := cmp.Diff(map[string]summary{"took_ms": {2, 2.5, 1, 4}}, got.Series[0].Summary); diff != "" {
		t.Errorf("summary: -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]goal{{"took", 2.5, 2, false}}, got.Goals); diff != "" {
		t.Errorf("goals: -want +got\n%s", diff)
	}

	broken := errors.New("it broke")
	bad := bench{"bad", func(context.Context, *machine) (*record, error) { return nil, broken }}
	if _, err := o.one(t.Context(), &machine{}, bad); !errors.Is(err, broken) {
		t.Errorf("a broken bench gave %v", err)
	}
	if _, err := os.Stat(filepath.Join(o.out, "bad.json")); err == nil {
		t.Error("a broken bench left a file")
	}
}

// TestOneEndsWithTheContext: after an interrupt no further bench begins.
func TestOneEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	never := bench{"never", func(context.Context, *machine) (*record, error) {
		t.Error("it ran")
		return newRecord("", nil), nil
	}}
	if _, err := (options{out: t.TempDir()}).one(ctx, &machine{}, never); !errors.Is(err, context.Canceled) {
		t.Errorf("one gave %v", err)
	}
}

// TestDocNamesEveryBench: whoever adds a bench says what it measures.
func TestDocNamesEveryBench(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range benches {
		if !strings.Contains(string(doc), "//   - "+b.name+": ") {
			t.Errorf("the package comment does not tell of %q", b.name)
		}
	}
}
