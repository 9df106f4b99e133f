package stage

import (
	"bytes"
	"sync"
)

// Output collects what processes print. Its methods may be called from any goroutine;
// the zero value is empty.
type Output struct {
	mu    sync.Mutex // guards what follows
	text  bytes.Buffer
	shown bool // in the log of a test
}

// Write takes what was printed. Source: io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String gives all that was printed.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// first tells whether the output has not been shown yet, and notes that it is.
func (o *Output) first() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	shown := o.shown
	o.shown = true
	return !shown
}
