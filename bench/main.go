package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// bench is one thing to measure.
type bench struct {
	name string
	run  func(context.Context, *machine) (*record, error)
}

// benches are all that there are, in the order in which they run.
var benches = []bench{
	{"reaction", reaction},
	{"hanging", hanging},
	{"abort", abort},
	{"weight_change", weightChange},
	{"swap", swap},
	{"streams", streams},
	{"growth", growth},
	{"core", coreBench},
	{"analysis", analysisBench},
	{"cluster", clusterBench},
}

// options are the flags.
type options struct {
	only  string
	out   string
	short bool
}

func main() {
	var o options
	flag.StringVar(&o.only, "run", ".", "run the benches whose names match this regular `expression`")
	flag.StringVar(&o.out, "out", filepath.Join("bench", "out"), "write the JSON files into this `folder`")
	flag.BoolVar(&o.short, "short", false, "fewer runs: for a look, not for figures")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := o.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run runs the benches that were asked for. One that breaks does not keep the
// others from running.
func (o options) run(ctx context.Context) (err error) {
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("making the folder for the figures: %w", err)
	}
	m, err := newMachine(ctx, o.short)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	var records []*record
	for _, b := range chosen {
		r, failed := o.one(ctx, m, b)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("bench %q: %w", b.name, failed))
			continue
		}
		records = append(records, r)
	}
	return errors.Join(err, table(os.Stdout, records))
}

// one runs a bench and writes its file.
func (o options) one(ctx context.Context, m *machine, b bench) (*record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	began := time.Now()
	fmt.Fprintf(os.Stderr, "%s ...", b.name)
	r, err := b.run(ctx, m)
	fmt.Fprintf(os.Stderr, " %s\n", time.Since(began).Round(time.Second))
	if err != nil {
		return nil, err
	}
	r.stamp(b.name, began, m.commit)
	return r, r.write(filepath.Join(o.out, b.name+".json"))
}

// choose gives the benches whose names match.
func choose(expression string) ([]bench, error) {
	match, err := regexp.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("reading -run: %w", err)
	}
	var out []bench
	for _, b := range benches {
		if match.MatchString(b.name) {
			out = append(out, b)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no bench has a name that matches %q", expression)
	}
	return out, nil
}
