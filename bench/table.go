package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// table prints what the records say: each figure with its ends, the ratios, and
// whether the goals were met.
func table(out io.Writer, records []*record) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	missed := 0
	for _, r := range records {
		fmt.Fprintf(w, "\n%s: %s\n", r.Name, r.What)
		for _, s := range r.Series {
			s.rows(w)
		}
		for _, q := range r.Ratios {
			fmt.Fprintf(w, "  %s\t%s\t%s / %s\n", q.What, short(q.Ratio), short(q.Over), short(q.Under))
		}
		for _, g := range r.Goals {
			fmt.Fprintf(w, "  %s: %s\t%s\tat most %s\n", verdict(g.Met), g.What, short(g.Value), short(g.Limit))
			if !g.Met {
				missed++
			}
		}
	}
	if len(records) > 0 {
		fmt.Fprintf(w, "\n%d goals missed\n", missed)
	}
	return w.Flush()
}

func verdict(met bool) string {
	if met {
		return "goal met"
	}
	return "goal missed"
}

// rows prints one line a figure.
func (s *series) rows(w io.Writer) {
	sums := s.summaries()
	names := make([]string, 0, len(sums))
	for name := range sums {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		sum := sums[name]
		label, unit := split(name)
		fmt.Fprintf(w, "  %s: %s\t%s%s\t%s - %s\t%d runs\n",
			s.Name, label, short(sum.Median), unit, short(sum.Min), short(sum.Max), sum.Runs)
	}
}

// units are the endings of a figure's name, and how they are shown.
var units = []string{"ms", "us", "bytes"}

// split takes a figure's name apart into words and a unit.
func split(figure string) (label, unit string) {
	for _, u := range units {
		if rest, ok := strings.CutSuffix(figure, "_"+u); ok {
			return strings.ReplaceAll(rest, "_", " "), " " + u
		}
	}
	return strings.ReplaceAll(figure, "_", " "), ""
}

// short gives a number with three digits where it is small.
func short(v float64) string {
	switch {
	case v == float64(int64(v)) || v >= 1000 || v <= -1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
