// Package envoyconfigs holds bootstraps for Envoys that take their
// configuration from Serin, and objects to try them with: a fleet at the edge,
// and a Gateway on 127.0.0.1 beside each application.
//
// The bootstraps are what snapshot.Bootstrap makes of [Bootstraps]; a test
// keeps the files equal to it and has Envoy check them. Anyone may read the
// package at any time: nothing in it changes.
package envoyconfigs

import (
	"embed"

	"github.com/serin-mesh/serin/snapshot"
)

// Files holds the bootstraps and the objects, under their names in this folder.
//
//go:embed edge.yaml sidecar.yaml edge/objects.yaml sidecar/objects.yaml
var Files embed.FS

// Bootstraps gives, for each bootstrap file, what it was made from.
func Bootstraps() map[string]snapshot.BootstrapOptions {
	return map[string]snapshot.BootstrapOptions{
		"edge.yaml":    of("edge", "edge-1"),
		"sidecar.yaml": of("sidecar", "cart-1-sidecar"),
	}
}

// of describes an Envoy of a Gateway in the default namespace.
func of(gateway, node string) snapshot.BootstrapOptions {
	o := snapshot.BootstrapOptions{NodeID: node}
	o.Gateway.Namespace, o.Gateway.Name = "default", gateway
	return o
}
