package kubelab

import (
	"context"
	"fmt"
	"path/filepath"
)

// newEtcd gives the store of a cluster: a cluster of one, without TLS.
func newEtcd(path, dir string, port, peerPort int) *program {
	clients, peers := fmt.Sprintf("http://127.0.0.1:%d", port), fmt.Sprintf("http://127.0.0.1:%d", peerPort)
	return newProgram("etcd", dir, path,
		"--name=kubelab",
		"--data-dir="+filepath.Join(dir, "etcd"),
		"--listen-client-urls="+clients, "--advertise-client-urls="+clients,
		"--listen-peer-urls="+peers, "--initial-advertise-peer-urls="+peers, "--initial-cluster=kubelab="+peers,
		"--log-level=warn",
	)
}

// startEtcd starts the store. Nothing waits for it: the API server does.
func (c *Cluster) startEtcd(context.Context) error { return c.etcd.start() }
