package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run()) }

// run is the program; it ends early, in order, when told to by a signal.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the program at once.
	defer context.AfterFunc(ctx, stop)()
	return executeAs(ctx, calledAs(os.Args[0]), os.Args[1:], os.Stdout, os.Stderr)
}
