package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/snapshot"
)

// What every rig has: one Gateway and one application with a Rollout.
const (
	gatewayName = "edge"
	appName     = "shop"
	appHost     = "shop.example"
)

// edge is the key of the Gateway.
var edge = api.Key{Namespace: api.DefaultNamespace, Name: gatewayName}

// shop is the key of the Service whose traffic is divided.
var shop = api.Key{Namespace: api.DefaultNamespace, Name: appName}

// stopTimeout is how long Serin may take to stop.
const stopTimeout = 10 * time.Second

// rig is a folder of objects, the services that it names, one Serin and some
// Envoys.
type rig struct {
	m       *machine
	dir     string // of all its files
	folder  *lab.Folder
	app     lab.App            // as the folder has it at first
	origins map[string]*origin // by version
	envoys  []*lab.Envoy
	port    int    // of the Gateway
	xds     string // HOST:PORT
	client  *client
	watch   *watch
	log     bytes.Buffer // what Serin says; read after it has ended

	closers []func() error // in the order in which they were opened
}

// newRig makes a folder with the Gateway and the application, and starts the
// application's versions v1 and v2; v1 is wanted. Serin does not run yet.
func newRig(m *machine, steps ...string) (r *rig, err error) {
	r = &rig{m: m, origins: map[string]*origin{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.dir, err = m.folder(); err != nil {
		return nil, err
	}
	ports, err := lab.FreePorts(3)
	if err != nil {
		return nil, err
	}
	r.port, r.xds, r.client = ports[0], local(ports[1]), newClient(local(ports[2]))
	if r.folder, err = lab.NewFolder(filepath.Join(r.dir, "objects")); err != nil {
		return nil, err
	}
	app := lab.App{Name: appName, Host: appHost, Gateways: []string{gatewayName},
		Version: "v1", Versions: map[string][]string{}, Steps: steps}
	for _, version := range []string{"v1", "v2"} {
		o, err := startOrigin(version)
		if err != nil {
			return nil, err
		}
		r.onClose(o.close)
		r.origins[version], app.Versions[version] = o, []string{o.address}
	}
	r.app = app
	return r, errors.Join(r.folder.PutGateway(gatewayName, r.port), r.folder.PutApp(app))
}

// local is an address of this machine.
func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// target is where clients send their requests.
func (r *rig) target() string { return local(r.port) }

// serve starts Serin, waits until it is ready, and follows its events.
func (r *rig) serve(ctx context.Context, flags ...string) error {
	args := append([]string{"serve", "--config", r.folder.Dir(), "--data-dir", filepath.Join(r.dir, "data"),
		"--xds-listen", r.xds, "--http-listen", r.client.address, "--log-level", "warn"}, flags...)
	cmd := exec.Command(r.m.serin, args...)
	cmd.Stdout, cmd.Stderr = &r.log, &r.log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting Serin: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	r.onClose(func() error { return r.stop(cmd, ended) })
	if err := r.untilReady(ctx, ended); err != nil {
		return err
	}
	events, cancel := context.WithCancel(ctx)
	r.onClose(func() error { cancel(); return nil })
	var err error
	r.watch, err = r.client.watch(events)
	return err
}

// untilReady asks until Serin serves. It reads thousands of files first where
// there are as many.
func (r *rig) untilReady(ctx context.Context, ended chan error) error {
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	for !r.client.ready(ctx) {
		select {
		case err := <-ended:
			ended <- err
			return fmt.Errorf("starting Serin: it ended: %w\n%s", err, r.log.String())
		default:
		}
		if err := hold(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("waiting until Serin is ready: %w", err)
		}
	}
	return nil
}

// stop ends Serin as a user would.
func (r *rig) stop(cmd *exec.Cmd, ended chan error) error {
	r.client.close()
	_ = cmd.Process.Signal(os.Interrupt) // one that has ended says so below
	timer := time.AfterFunc(stopTimeout, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := <-ended; err != nil {
		return fmt.Errorf("stopping Serin: %w\n%s", err, r.log.String())
	}
	return nil
}

// envoy starts an Envoy that gets its configuration at the given address, and
// waits until it listens. edit, if not nil, changes its bootstrap.
func (r *rig) envoy(ctx context.Context, id, xds string, edit func([]byte) ([]byte, error)) (*lab.Envoy, error) {
	port, err := lab.FreePort()
	if err != nil {
		return nil, err
	}
	boot, err := snapshot.Bootstrap(snapshot.BootstrapOptions{Gateway: edge, NodeID: id, XDS: xds, Admin: local(port)})
	if err == nil && edit != nil {
		boot, err = edit(boot)
	}
	if err != nil {
		return nil, err
	}
	e, err := lab.StartEnvoy(lab.EnvoyOptions{Name: id, Dir: r.dir, Bootstrap: boot,
		Admin: local(port), Path: r.m.envoy})
	if err != nil {
		return nil, err
	}
	r.envoys = append(r.envoys, e)
	r.onClose(e.Close)
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	return e, e.Ready(ctx, 1)
}

// want changes the version that the folder asks for.
func (r *rig) want(version string) error { return r.folder.SetVersion(appName, version) }

// onClose adds what close does, before everything that was added earlier.
func (r *rig) onClose(f func() error) { r.closers = append(r.closers, f) }

// close ends everything that was started.
func (r *rig) close() error {
	var err error
	for len(r.closers) > 0 {
		last := len(r.closers) - 1
		err = errors.Join(err, r.closers[last]())
		r.closers = r.closers[:last]
	}
	return err
}
