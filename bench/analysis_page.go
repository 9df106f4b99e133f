package main

import (
	"bytes"
	"fmt"
	"strings"
)

// sheet is a table of the page, and of the JSON file.
type sheet struct {
	Title   string     `json:"title"`
	Text    string     `json:"text"` // what is in it, and how many runs it rests on
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

// sheet adds a table without rows.
func (r *record) sheet(title, text string, columns ...string) *sheet {
	s := &sheet{Title: title, Text: text, Columns: columns}
	r.Tables = append(r.Tables, s)
	return s
}

func (s *sheet) row(cells ...string) { s.Rows = append(s.Rows, cells) }

// pageHead stands above the tables. Its second part is how to read them.
const pageHead = `# Analysis quality

<!-- Written by make bench. Changes made here are lost. -->

How the guard and other judges decide on the same simulated traffic: seeded streams of requests, %d minutes each, without a
network. Two arms differ in what the tables say and in nothing else. [The guard](guard.md) says how it decides.

A **false stop** is a good canary that is stopped: the promise is kept where the *upper end* of the 99.9%% interval
(Clopper and Pearson) is below α. The **floor** is the fewest requests that any test of failures with the same margin and α
can need on average (` + "`analysis.Floor`" + `), so a ratio of 1 is the best there is, and less is chance. **Power** is the part of the bad
canaries that were stopped within the %d minutes; a judge that stops quickly *and* stops good canaries is no better for it.
`

// page gives the page as Markdown.
func (r *record) page() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, pageHead, minutes, minutes)
	goals := &sheet{Title: "Goals", Text: "What the guard is to show, with its default settings unless a row says otherwise.",
		Columns: []string{"goal", "value", "at most", ""}}
	for _, g := range r.Goals {
		goals.row(g.What, short(g.Value), short(g.Limit), map[bool]string{true: "met", false: "**missed**"}[g.Met])
	}
	goals.write(&b)
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\n- %s\n", n)
	}
	for _, s := range r.Tables {
		s.write(&b)
	}
	return b.Bytes()
}

// write writes the table under its title.
func (s *sheet) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", s.Title, s.Text)
	line := func(cells []string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }
	line(s.Columns)
	rule := make([]string, len(s.Columns))
	for i := range rule {
		rule[i] = "---"
	}
	line(rule)
	for _, row := range s.Rows {
		line(row)
	}
}

// percentOf writes k of n in percent.
func percentOf(k, n int) string {
	if n == 0 {
		return "–"
	}
	return short(100*float64(k)/float64(n)) + "%"
}

// thousands writes a count with commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
