package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"time"
)

// record is what a bench found, and its JSON file.
type record struct {
	Name       string         `json:"name"`
	What       string         `json:"what"` // one sentence
	When       time.Time      `json:"when"`
	Took       float64        `json:"took_seconds"`
	Commit     string         `json:"commit"`
	CPUs       int            `json:"cpus"`
	Platform   string         `json:"platform"`
	Go         string         `json:"go"`
	Parameters map[string]any `json:"parameters"`
	Series     []*series      `json:"series"`
	Ratios     []ratio        `json:"ratios"`
	Goals      []goal         `json:"goals"`
	Notes      []string       `json:"notes,omitempty"`
	Tables     []*sheet       `json:"tables,omitempty"` // what series cannot show
}

// figures are what one run gave. A name ends in its unit: _ms, _us, _bytes; one
// without counts things.
type figures map[string]float64

// series is the runs of one contestant under the same conditions.
type series struct {
	Name    string             `json:"name"`
	What    string             `json:"what"`
	Runs    []figures          `json:"runs"`
	Summary map[string]summary `json:"summary"`
}

// ratio compares the same figure, or a figure and its floor, by their medians.
type ratio struct {
	What  string  `json:"what"`
	Over  float64 `json:"over"`
	Under float64 `json:"under"`
	Ratio float64 `json:"ratio"` // 0 when Under is 0
}

// goal is a promise and whether it was kept. A missed goal breaks nothing.
type goal struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit"` // the most that Value may be
	Met   bool    `json:"met"`
}

// newRecord starts a record.
func newRecord(what string, parameters map[string]any) *record {
	return &record{What: what, Parameters: parameters, Series: []*series{}, Ratios: []ratio{}, Goals: []goal{}}
}

// series adds a contestant that has no runs yet.
func (r *record) series(name, what string) *series {
	s := &series{Name: name, What: what}
	r.Series = append(r.Series, s)
	return s
}

// add adds a run.
func (s *series) add(f figures) { s.Runs = append(s.Runs, f) }

// values gives one figure of all runs that have it.
func (s *series) values(figure string) []float64 {
	var out []float64
	for _, f := range s.Runs {
		if v, ok := f[figure]; ok {
			out = append(out, v)
		}
	}
	return out
}

// median gives the median of one figure, 0 without runs.
func (s *series) median(figure string) float64 { return summarize(s.values(figure)).Median }

// sum adds one figure up over all runs.
func (s *series) sum(figure string) float64 {
	total := 0.0
	for _, v := range s.values(figure) {
		total += v
	}
	return total
}

// compare adds a ratio and gives it.
func (r *record) compare(what string, over, under float64) float64 {
	q := 0.0
	if under != 0 {
		q = over / under
	}
	r.Ratios = append(r.Ratios, ratio{what, over, under, q})
	return q
}

// atMost adds a goal: value may be limit at most.
func (r *record) atMost(what string, value, limit float64) {
	r.Goals = append(r.Goals, goal{what, value, limit, value <= limit})
}

// note adds a remark on how to read the figures.
func (r *record) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// stamp says what was measured, when and where, and sums the runs up.
func (r *record) stamp(name string, began time.Time, commit string) {
	r.Name, r.When, r.Commit = name, began.UTC().Truncate(time.Second), commit
	r.Took = time.Since(began).Seconds()
	r.CPUs, r.Go = runtime.GOMAXPROCS(0), runtime.Version()
	r.Platform = runtime.GOOS + "/" + runtime.GOARCH
	for _, s := range r.Series {
		s.Summary = s.summaries()
	}
}

// write writes the file.
func (r *record) write(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the figures of %q: %w", r.Name, err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the figures of %q: %w", r.Name, err)
	}
	return nil
}
