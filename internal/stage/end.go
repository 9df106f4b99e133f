package stage

import (
	"fmt"
	"os"

	"go.uber.org/goleak"
)

// Close closes what the tests of a package shared, if they did, and gives the exit
// code for TestMain.
func Close(code int, shared *func() error) int {
	if *shared == nil {
		return code
	}
	if err := (*shared)(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// NoLeaks looks for goroutines that tests which passed have left, and gives the exit
// code for TestMain.
func NoLeaks(code int) int {
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
