package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/serin-mesh/serin/internal/lab"
)

// The limits of --speed: slower is dull, and faster leaves no time in which
// evidence could be gathered.
const (
	leastSpeed = 0.1
	mostSpeed  = 50
)

// demoOptions are the flags of the demo.
type demoOptions struct {
	speed     float64
	noBrowser bool
	keep      bool
}

// newDemoCommand makes `serin demo`.
func newDemoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch a good rollout and a bad one, on real Envoys on this machine",
		Long: "Demo starts a server, two Envoys, three versions of a small service and a load, all on\n" +
			"this machine. It rolls out v2, which is good, to its promotion; then v3, which fails every\n" +
			"request, until Serin has taken it out. It takes about a minute and leaves nothing behind.\n\n" +
			"It exits 0 only if v2 was promoted without a failed request and v3 was rolled back.\n" +
			"Envoy is found through SERIN_ENVOY, on PATH, or where make tools installs it.",
		Example: "  serin demo\n" +
			"  serin demo --speed 4      # pauses of 2.5 s in place of 10 s\n" +
			"  serin demo --keep         # leave the folder with its files and logs",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !(o.speed >= leastSpeed && o.speed <= mostSpeed) {
				return fmt.Errorf("--speed is %g; want %g to %d", o.speed, leastSpeed, mostSpeed)
			}
			return runDemo(cmd, o)
		},
	}
	f := cmd.Flags()
	f.Float64Var(&o.speed, "speed", 1, "how many times as fast as usual")
	f.BoolVar(&o.noBrowser, "no-browser", false, "open no browser; there is no page yet, so none is opened anyway")
	f.BoolVar(&o.keep, "keep", false, "leave the folder with the objects, the state and the logs")
	return cmd
}

// runDemo finds what the demo needs, plays it, and removes what it made.
func runDemo(cmd *cobra.Command, o demoOptions) (err error) {
	envoy, err := lab.FindEnvoy()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "serin-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	defer func() {
		if o.keep {
			fmt.Fprintf(cmd.ErrOrStderr(), "serin: the files of the demo are in %s\n", dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	screen := newScreen(cmd.InOrStdin(), cmd.OutOrStdout(), cancel)
	report, err := playDemo(ctx, cancel, screen, demoStageOptions{
		dir: dir, envoy: envoy, pause: pauseAt(o.speed),
	})
	screen.close()
	if err != nil {
		return demoError(ctx, err)
	}
	return conclude(cmd.OutOrStdout(), report)
}

// pauseAt gives the length of a pause step at a speed.
func pauseAt(speed float64) time.Duration {
	return time.Duration(float64(10*time.Second) / speed).Round(time.Millisecond)
}

// playDemo sets the stage, plays, and clears it.
func playDemo(ctx context.Context, cancel context.CancelCauseFunc, screen screen, o demoStageOptions) (r demoReport, err error) {
	screen.say("Starting a server, two Envoys and three versions of a service.")
	stage, err := setStage(ctx, cancel, o)
	// What was started before an error has to be ended too.
	defer func() { err = errors.Join(err, stage.close()) }()
	if err != nil {
		return r, err
	}
	return play(ctx, stage, screen)
}

// demoError prefers the cause of an end to the errors that followed from it.
func demoError(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case cause == nil:
		return err
	case errors.Is(cause, context.Canceled):
		return errors.New("the demo was interrupted")
	}
	return cause
}

// conclude writes the figures, and gives an error if anything was not as it
// must be.
func conclude(w io.Writer, r demoReport) error {
	fmt.Fprint(w, r.text())
	problems := r.problems()
	if len(problems) == 0 {
		fmt.Fprintln(w, "\nBoth rollouts ended as they must.")
		return nil
	}
	return fmt.Errorf("the demo did not go as it must: %w", errors.Join(problems...))
}
