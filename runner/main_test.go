package runner

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// atEnd closes what tests share; nil: nothing was shared.
var atEnd func() error

func TestMain(m *testing.M) {
	code := m.Run()
	if atEnd != nil {
		if err := atEnd(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
