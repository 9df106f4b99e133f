package kubelab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// askEvery is how often Until asks.
const askEvery = 20 * time.Millisecond

// Until waits until a condition holds, which it asks for every 20 ms, or until
// the context ends. A condition that gives an error does not hold yet; the last
// such error is told when time is up. One that gives an error made by [Final] ends
// the wait at once. What says in errors what was waited for.
func Until(ctx context.Context, what string, holds func(context.Context) (bool, error)) error {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	var last error
	for {
		ok, err := holds(ctx)
		if ok && err == nil {
			return nil
		}
		if _, end := errors.AsType[final](err); end {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
		if ctx.Err() == nil { // else the error only says that time is up
			last = err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, errors.Join(ctx.Err(), last))
		}
	}
}

// final is an error that no waiting mends.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// Final marks an error as one after which Until need not ask again.
func Final(err error) error { return final{err} }
