package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// series is traffic over time, and what a person does meanwhile.
type series struct {
	seed   *uint64 // nil: not said
	points []point // by rising time; never empty
}

// point is what holds from a moment until the next point.
type point struct {
	at     time.Duration   // since the new version was wanted
	rps    float64         // requests a second, 0 to maxRPS
	stable float64         // part of stable's requests that fails, 0 to 1
	canary float64         // part of the canary's
	action *rollout.Action // nil: nobody does anything
}

// maxRPS is far more than one Rollout is played with.
const maxRPS = 1e6

// maxAt bounds the times of a series: a year.
const maxAt = 365 * 24 * time.Hour

// row is a point as it is written: what is absent stays as it was before.
type row struct {
	At     api.Duration `json:"at"`
	RPS    *float64     `json:"rps"`
	Stable *float64     `json:"stableErrors"`
	Canary *float64     `json:"canaryErrors"`
	Action string       `json:"action"`
}

// columns are the columns of a CSV series, named as the fields of a row.
var columns = []string{"at", "rps", "stableErrors", "canaryErrors", "action"}

// readSeries reads a series from a file: CSV if it is called so, else YAML or
// JSON.
func readSeries(name string) (*series, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the series: %w", err)
	}
	decode := decodeSeries
	if strings.EqualFold(filepath.Ext(name), ".csv") {
		decode = decodeCSV
	}
	s, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("reading the series %q: %w", name, err)
	}
	return s, nil
}

// decodeSeries reads YAML or JSON: a list of rows, or an object that has them
// under points, and maybe a seed.
func decodeSeries(data []byte) (*series, error) {
	text, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return nil, err
	}
	var file struct {
		Seed   *uint64 `json:"seed"`
		Points []row   `json:"points"`
	}
	if text = bytes.TrimSpace(text); bytes.HasPrefix(text, []byte("[")) {
		err = decodeStrict(text, &file.Points)
	} else {
		err = decodeStrict(text, &file)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; want a list of {%s}", err, strings.Join(columns, ", "))
	}
	points, err := pointsOf(file.Points)
	return &series{seed: file.Seed, points: points}, err
}

// decodeStrict reads JSON with known fields only.
func decodeStrict(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// decodeCSV reads CSV whose first line names the columns, in any order. An
// empty cell is absent.
func decodeCSV(data []byte) (*series, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.TrimLeadingSpace = true
	r.Comment = '#'
	head, err := r.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for i, name := range head {
		head[i] = strings.TrimSpace(name)
		if !slices.Contains(columns, head[i]) || slices.Contains(head[:i], head[i]) {
			return nil, fmt.Errorf("the first line names the columns, each once: %s, not %q", oneOf(columns), head[i])
		}
	}
	var rows []row
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		next, err := rowOf(head, cells)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		rows = append(rows, next)
	}
	points, err := pointsOf(rows)
	return &series{points: points}, err
}

// rowOf reads the cells of one line.
func rowOf(head, cells []string) (row, error) {
	var r row
	numbers := map[string]**float64{"rps": &r.RPS, "stableErrors": &r.Stable, "canaryErrors": &r.Canary}
	for i, cell := range cells {
		cell = strings.TrimSpace(cell)
		switch name := head[i]; {
		case cell == "":
		case name == "at":
			text, err := json.Marshal(cell)
			if err == nil {
				err = r.At.UnmarshalJSON(text)
			}
			if err != nil {
				return r, err
			}
		case name == "action":
			r.Action = cell
		default:
			x, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				return r, fmt.Errorf("%s: %q is no number", name, cell)
			}
			*numbers[name] = &x
		}
	}
	return r, nil
}

// pointsOf fills in what rows leave out, and refuses what cannot be played.
func pointsOf(rows []row) ([]point, error) {
	if len(rows) == 0 {
		return nil, errors.New("it has no points")
	}
	var p point
	out := make([]point, 0, len(rows))
	for i, r := range rows {
		fill(&p.rps, r.RPS)
		fill(&p.stable, r.Stable)
		fill(&p.canary, r.Canary)
		before := p.at
		p.at = r.At.Duration
		var err error
		if p.action, err = actionOf(r.Action); err == nil {
			err = p.check(i == 0, before)
		}
		if err != nil {
			return nil, fmt.Errorf("point %d: %w", i+1, err)
		}
		out = append(out, p)
	}
	return out, nil
}

// fill stores what p points to, if it points anywhere.
func fill(to, p *float64) {
	if p != nil {
		*to = *p
	}
}

// check refuses numbers that are out of range, NaN included, and times that do
// not rise.
func (p point) check(first bool, before time.Duration) error {
	switch {
	case p.at < 0 || p.at > maxAt:
		return fmt.Errorf("at: %s is not between 0s and %s", p.at, maxAt)
	case !first && p.at <= before:
		return fmt.Errorf("at: %s is not after %s, the point before", p.at, before)
	case !(p.rps >= 0 && p.rps <= maxRPS):
		return fmt.Errorf("rps: want 0 to %g requests a second, not %v", maxRPS, p.rps)
	case !(p.stable >= 0 && p.stable <= 1):
		return fmt.Errorf("stableErrors: want a part of the requests, 0 to 1, not %v", p.stable)
	case !(p.canary >= 0 && p.canary <= 1):
		return fmt.Errorf("canaryErrors: want a part of the requests, 0 to 1, not %v", p.canary)
	}
	return nil
}

// person is the actor of a series' actions.
const person = "series"

// full is the action that skips all steps, as it is typed.
const full = "promote --full"

// seriesActions are the actions of a series. A rollback to another version
// needs versions that a series does not have.
var seriesActions = []string{
	string(rollout.Promote), full, string(rollout.Pause), string(rollout.Resume),
	string(rollout.Abort), string(rollout.Retry), string(rollout.Rollback),
}

// actionOf reads an action; nil for none.
func actionOf(text string) (*rollout.Action, error) {
	switch {
	case text == "":
		return nil, nil
	case !slices.Contains(seriesActions, text):
		return nil, fmt.Errorf("action: want %s, not %q", oneOf(seriesActions), text)
	case text == full:
		return &rollout.Action{Verb: rollout.Promote, Full: true, Actor: person}, nil
	}
	return &rollout.Action{Verb: rollout.Verb(text), Actor: person}, nil
}
