package runner

import (
	"os"
	"testing"

	"github.com/serin-mesh/serin/internal/stage"
)

// atEnd closes what tests share; nil: nothing was shared.
var atEnd func() error

func TestMain(m *testing.M) { os.Exit(stage.NoLeaks(stage.Close(m.Run(), &atEnd))) }
