package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// look is a study with as few runs as there can be.
var look = sync.OnceValues(func() (*record, error) {
	return study(context.Background(), sizesFor(&machine{size: 0}))
})

// figure is what a run may change about a page.
var figure = regexp.MustCompile(`[0-9][0-9.,]*`)

// shapeOf leaves of a page what no run changes: the titles, the columns, what
// each row is about and how many cells it has, and the text without its numbers.
// The goals are left out: which there are depends on how many runs there were.
func shapeOf(page string) []string {
	var out []string
	goals := false
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "## ") {
			goals = line == "## Goals"
		}
		cells := strings.Split(line, " | ")
		switch {
		case len(cells) > 1 && goals:
		case len(cells) > 1 && strings.HasPrefix(line, "| "):
			out = append(out, cells[0]+strings.Repeat(" |", len(cells)))
		default:
			out = append(out, figure.ReplaceAllString(line, "N"))
		}
	}
	return out
}

// TestCommittedPage: the page in the repository is what the bench writes, but for
// the figures.
func TestCommittedPage(t *testing.T) {
	r, err := look()
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile(filepath.Join("..", analysisPage))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(shapeOf(string(r.page())), shapeOf(string(committed))); diff != "" {
		t.Errorf("make bench writes another page: -it +committed\n%s", diff)
	}
	for _, g := range r.Goals {
		if !strings.Contains(string(committed), "| "+g.What+" |") {
			t.Errorf("the page has no goal %q", g.What)
		}
	}
}

// TestStudyIsSeeded: the same sizes give the same figures, but for the times.
func TestStudyIsSeeded(t *testing.T) {
	first, err := look()
	if err != nil {
		t.Fatal(err)
	}
	again := newRecord("", nil)
	n := sizesFor(&machine{size: 0})
	again.promises(t.Context(), n)
	again.floors(t.Context(), n)
	again.comparisons(t.Context(), n)
	byTitle := map[string]*sheet{}
	for _, s := range first.Tables {
		byTitle[s.Title] = s
	}
	for _, s := range again.Tables {
		if diff := cmp.Diff(byTitle[s.Title], s); diff != "" {
			t.Errorf("%s: -first +again\n%s", s.Title, diff)
		}
	}
}

// TestStudyEndsWithTheContext: an interrupted study gives no figures.
func TestStudyEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := study(ctx, sizesFor(&machine{size: 2})); !errors.Is(err, context.Canceled) || r != nil {
		t.Errorf("study gave %v, %v", r, err)
	}
}

// TestEveryTableIsWhole: each row has a cell for each column, and none is empty.
func TestEveryTableIsWhole(t *testing.T) {
	r, err := look()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Tables {
		if len(s.Rows) == 0 {
			t.Errorf("%s: no rows", s.Title)
		}
		for _, row := range s.Rows {
			if len(row) != len(s.Columns) {
				t.Errorf("%s: %d cells under %d columns: %v", s.Title, len(row), len(s.Columns), row)
			}
			for i, cell := range row {
				if cell == "" || strings.Contains(cell, "NaN") || strings.Contains(cell, "Inf") || strings.Contains(cell, "|") {
					t.Errorf("%s: %q under %q", s.Title, cell, s.Columns[i])
				}
			}
		}
	}
}

// TestPromisedNeedsRuns: a goal that cannot be met with so few runs is left out,
// and the interval is given all the same.
func TestPromisedNeedsRuns(t *testing.T) {
	r := newRecord("", nil)
	if upper := r.promised("few", 0, 100, 1000, 0.01); upper < 0.05 || upper > 0.1 {
		t.Errorf("the upper end for 0 of 100 is %g", upper)
	}
	r.promised("kept", 0, 1000, 1000, 0.01)
	r.promised("broken", 9, 1000, 1000, 0.01)
	var got []bool
	for _, g := range r.Goals {
		got = append(got, g.Met)
	}
	if diff := cmp.Diff([]bool{true, false}, got); diff != "" {
		t.Errorf("goals met: -want +got\n%s", diff)
	}
}

// TestPublish: the page is written with the usual sizes, and not for a look.
func TestPublish(t *testing.T) {
	t.Chdir(t.TempDir())
	r := newRecord("", nil)
	r.sheet("A table", "", "one").row("a")
	if err := r.publish(0); err != nil {
		t.Errorf("for a look: %v", err)
	}
	if err := r.publish(1); err == nil {
		t.Error("it is no error that there is no folder for the page")
	}
	if err := os.MkdirAll(filepath.Dir(analysisPage), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(analysisPage); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a page: %v", err)
	}
	if err := r.publish(1); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(analysisPage); err != nil || string(got) != string(r.page()) {
		t.Errorf("the page is %q, %v", got, err)
	}
}

// TestSizesGrow: a full run rests on more of everything than the usual, and that
// on more than a look; and it can show every promise.
func TestSizesGrow(t *testing.T) {
	short, usual, full := sizesFor(&machine{size: 0}), sizesFor(&machine{size: 1}), sizesFor(&machine{size: 2})
	for _, pair := range [][2]studySizes{{short, usual}, {usual, full}} {
		a, b := pair[0], pair[1]
		if a.Promise >= b.Promise || a.Compare >= b.Compare || a.Floor >= b.Floor || a.Prove >= b.Prove || a.Edge >= b.Edge || a.Cost >= b.Cost {
			t.Errorf("%+v is not less than %+v", a, b)
		}
	}
	for _, c := range goodCanaries() {
		runs := full.Promise
		if c.spread > 0 {
			runs = full.Uneven
		}
		if runs < c.needed() {
			t.Errorf("%s: %d runs of %d needed", c.name, runs, c.needed())
		}
	}
	for _, b := range breakages() {
		if runs := map[bool]int{false: full.Broken, true: full.Edge}[b.edge]; runs < b.needed() {
			t.Errorf("%s: %d runs of %d needed", b.name, runs, b.needed())
		}
	}
}
