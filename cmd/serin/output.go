package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// format is the value of -o.
type format string

// The forms of data.
const (
	formatTable format = "table"
	formatWide  format = "wide"
	formatJSON  format = "json"
	formatYAML  format = "yaml"
)

var formats = []format{formatTable, formatWide, formatJSON, formatYAML}

// String gives the name. Source: pflag.Value.
func (f *format) String() string { return string(*f) }

// Type names what is wanted, in the help. Source: pflag.Value.
func (f *format) Type() string { return "FORMAT" }

// Set takes a name. Source: pflag.Value.
func (f *format) Set(name string) error {
	if !slices.Contains(formats, format(name)) {
		return fmt.Errorf("want table, wide, json or yaml")
	}
	*f = format(name)
	return nil
}

// addFlag adds -o to a command.
func (f *format) addFlag(cmd *cobra.Command) {
	*f = formatTable
	cmd.Flags().VarP(f, "output", "o", "table, wide, json or yaml")
	var words []string
	for _, f := range formats {
		words = append(words, f.String())
	}
	completeWords(cmd, "output", words)
}

// print writes an answer of the server: as it came for json and yaml, else by
// the given function, which is told whether everything is wanted.
func (f format) print(w io.Writer, raw []byte, table func(w io.Writer, wide bool) error) error {
	switch f {
	case formatJSON:
		return printJSON(w, raw)
	case formatYAML:
		text, err := yaml.JSONToYAML(raw)
		if err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		return write(w, text)
	}
	return table(w, f == formatWide)
}

// printJSON writes JSON with indentation, its fields in the order they came.
func printJSON(w io.Writer, raw []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(raw), "", "  "); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	b.WriteByte('\n')
	return write(w, b.Bytes())
}

// printValue writes a value that did not come from the server as JSON or YAML,
// else by the given function.
func (f format) printValue(w io.Writer, v any, table func(w io.Writer, wide bool) error) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	return f.print(w, raw, table)
}

// decode reads an answer of the server.
func decode[T any](raw []byte) (T, error) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("reading the answer: %w", err)
	}
	return v, nil
}

// grid writes rows as columns that line up. Columns without a name are left
// out, in the rows too.
func grid(w io.Writer, head []string, rows [][]string) error {
	var b bytes.Buffer
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		var cells []string
		for i, cell := range row {
			if head[i] != "" {
				cells = append(cells, firstOf(oneLine(cell), "-"))
			}
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	lines := strings.SplitAfter(b.String(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \n")
	}
	return write(w, []byte(strings.Join(lines, "\n")))
}

// oneLine keeps a text that came from elsewhere within its cell: a line break
// would look like a row, an escape sequence would move the cursor.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}

// onlyIf gives a column's name where it is wanted, else none.
func onlyIf(wanted bool, name string) string {
	if wanted {
		return name
	}
	return ""
}

// write writes data to an output.
func write(w io.Writer, data []byte) error {
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	return nil
}
