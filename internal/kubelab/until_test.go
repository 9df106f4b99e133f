package kubelab_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/serin-mesh/serin/internal/kubelab"
)

func TestUntil(t *testing.T) {
	no := errors.New("not yet")
	tests := []struct {
		name  string
		holds func(asked int) (bool, error)
		after time.Duration
		want  string // in the error; empty: none
	}{
		{"at once", func(int) (bool, error) { return true, nil }, 0, ""},
		{"the third time", func(n int) (bool, error) { return n == 3, nil }, 40 * time.Millisecond, ""},
		{"errors are told when time is up", func(int) (bool, error) { return false, no }, time.Second, "waiting for godot: context deadline exceeded\nnot yet"},
		{"an error is no success", func(int) (bool, error) { return true, no }, time.Second, "not yet"},
		{"a final error ends it", func(int) (bool, error) { return false, kubelab.Final(no) }, 0, "waiting for godot: not yet"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began, asked := time.Now(), 0
				err := kubelab.Until(ctx, "godot", func(context.Context) (bool, error) {
					asked++
					return test.holds(asked)
				})
				if took := time.Since(began); took != test.after {
					t.Errorf("it took %s", took)
				}
				if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("the error is %v", err)
				}
			})
		})
	}
}
