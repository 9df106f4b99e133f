package kubelab

import (
	"context"
	"errors"
	"fmt"
	"os"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"

	"github.com/serin-mesh/serin/internal/lab"
)

// Cluster is the control plane of a Kubernetes cluster on 127.0.0.1.
type Cluster struct {
	options     Options
	dir         string
	credentials *credentials
	port        int // of the API server

	etcd, apiServer, controllers *program
	controllersPort              int

	// For Apply.
	objects dynamic.Interface
	kinds   *restmapper.DeferredDiscoveryRESTMapper
}

// Start starts a cluster and waits until it is ready to serve, which takes some
// seconds. If it does not become ready before the context ends, nothing of it
// is left, and the error has the end of the log of what failed.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	c := &Cluster{options: o.withDefaults()}
	if err := errors.Join(c.prepare(), ctx.Err()); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	for _, begin := range []func(context.Context) error{c.startEtcd, c.StartAPIServer, c.connect, c.firstControllers} {
		if err := begin(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("starting a cluster: %w", err), c.Close())
		}
	}
	return c, nil
}

// prepare makes everything that a start needs.
func (c *Cluster) prepare() error {
	found, err := findBinaries()
	if err != nil {
		return err
	}
	if err := c.makeDir(); err != nil {
		return err
	}
	if c.credentials, err = newCredentials(c.dir, c.options.Users); err != nil {
		return err
	}
	ports, err := lab.FreePorts(4)
	if err != nil {
		return err
	}
	c.port, c.controllersPort = ports[0], ports[1]
	c.etcd = newEtcd(found.etcd, c.dir, ports[2], ports[3])
	c.apiServer = newProgram("kube-apiserver", c.dir, found.kubernetes, c.apiServerArgs(ports[2])...)
	admin, err := c.Kubeconfig(Admin)
	if err != nil {
		return err
	}
	c.controllers = newProgram("kube-controller-manager", c.dir, found.kubernetes, c.controllersArgs(admin)...)
	return nil
}

// makeDir makes the folder of the cluster.
func (c *Cluster) makeDir() (err error) {
	if c.dir = c.options.Dir; c.dir != "" {
		err = os.MkdirAll(c.dir, 0o700)
	} else {
		c.dir, err = os.MkdirTemp("", "serin-kubelab-")
	}
	if err != nil {
		return fmt.Errorf("making the folder of a cluster: %w", err)
	}
	return nil
}

// firstControllers starts the controllers, unless they were left out.
func (c *Cluster) firstControllers(ctx context.Context) error {
	if c.options.NoControllers {
		return nil
	}
	return c.StartControllerManager(ctx)
}

// Dir gives the folder of the cluster, where its logs are.
func (c *Cluster) Dir() string { return c.dir }

// Close ends the cluster's processes at once and waits until they are gone. A
// cluster that is closed already is no error.
func (c *Cluster) Close() error {
	var errs []error
	for _, p := range []*program{c.controllers, c.apiServer, c.etcd} {
		if p != nil {
			errs = append(errs, p.kill())
		}
	}
	if c.options.Dir == "" && c.dir != "" {
		errs = append(errs, os.RemoveAll(c.dir))
	}
	return errors.Join(errs...)
}
