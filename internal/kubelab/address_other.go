//go:build !linux

package kubelab

import "errors"

// addRange is Linux's to do.
func addRange() error { return errors.ErrUnsupported }
