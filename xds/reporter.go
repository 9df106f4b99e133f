package xds

import (
	"context"
	"errors"
	"io"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
)

// reporter is the Envoy behind a stream of reports.
type reporter struct {
	id      string
	gateway string // NAMESPACE/NAME
}

// identify takes the node of a message; the first one must have it.
func (r *reporter) identify(n *corev3.Node) error {
	if r.id != "" {
		return nil
	}
	id, key, err := identify(n)
	if err != nil {
		return err
	}
	r.id, r.gateway = id, key.String()
	return nil
}

// ended says how a stream that cannot be read further ends: well, if either
// side wanted it to.
func ended(ctx context.Context, err error) error {
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil
	}
	return err
}
