package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/snapshot"
)

// The cast of the demo.
const (
	demoApp     = "shop"
	demoHost    = "shop.example"
	demoGateway = "edge"
	stableOne   = "v1" // where it begins
	goodOne     = "v2"
	badOne      = "v3"
	demoEnvoys  = 2
	demoRate    = 400 // requests a second
)

// readyWait bounds the start of the parts.
const readyWait = 30 * time.Second

// demoStageOptions say what a stage is made of.
type demoStageOptions struct {
	dir   string
	envoy string        // binary
	pause time.Duration // of each pause step
}

// demoStage is everything that runs during a demo.
type demoStage struct {
	options  demoStageOptions
	folder   *lab.Folder
	services map[string]*lab.Service // by version
	envoys   []*lab.Envoy
	load     *lab.Load
	client   *client
	port     int // of the Gateway

	ends []func() error // what close calls, last first
}

// setStage starts the parts. The stage that it returns has to be closed after
// an error too. A part that ends too early ends the demo through cancel.
func setStage(ctx context.Context, cancel context.CancelCauseFunc, o demoStageOptions) (*demoStage, error) {
	s := &demoStage{options: o, services: map[string]*lab.Service{}}
	ctx, stop := context.WithTimeout(ctx, readyWait)
	defer stop()
	for _, version := range []string{stableOne, goodOne, badOne} {
		service, err := lab.StartService(version)
		if err != nil {
			return s, err
		}
		s.services[version] = service
		s.ends = append(s.ends, service.Close)
	}
	if err := s.writeObjects(); err != nil {
		return s, err
	}
	xds, err := s.startServer(ctx, cancel)
	if err != nil {
		return s, err
	}
	if err := s.startEnvoys(ctx, cancel, xds); err != nil {
		return s, err
	}
	return s, s.startLoad(cancel)
}

// close ends the parts in the reverse order of their start: the load first, so
// that it never sees the others go.
func (s *demoStage) close() error {
	var errs []error
	for _, end := range slices.Backward(s.ends) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

// app describes the application, at its first version.
func (s *demoStage) app() lab.App {
	pause := fmt.Sprintf("pause: {duration: %s}", s.options.pause)
	a := lab.App{
		Name: demoApp, Host: demoHost, Gateways: []string{demoGateway}, Version: stableOne,
		Versions: map[string][]string{},
		Steps:    []string{"setWeight: 5", pause, "setWeight: 30", pause},
	}
	for version, service := range s.services {
		a.Versions[version] = []string{service.Address()}
	}
	return a
}

// writeObjects writes the folder that the server reads.
func (s *demoStage) writeObjects() (err error) {
	if s.folder, err = lab.NewFolder(filepath.Join(s.options.dir, "objects")); err != nil {
		return err
	}
	if s.port, err = lab.FreePort(); err != nil {
		return err
	}
	if err = s.folder.PutGateway(demoGateway, s.port); err != nil {
		return err
	}
	return s.folder.PutApp(s.app())
}

// startServer runs the server in this process, as `serin serve` does, and gives
// its xDS address.
func (s *demoStage) startServer(ctx context.Context, cancel context.CancelCauseFunc) (xds net.Addr, err error) {
	log, err := os.Create(filepath.Join(s.options.dir, "serin.log"))
	if err != nil {
		return nil, fmt.Errorf("opening the server's log: %w", err)
	}
	s.ends = append(s.ends, log.Close)
	type addresses struct{ xds, http net.Addr }
	bound := make(chan addresses, 1)
	failed := make(chan error, 1)
	s.run(func(ctx context.Context) error {
		err := serve(ctx, serveOptions{
			Config: s.folder.Dir(), DataDir: filepath.Join(s.options.dir, "data"),
			XDSListen: "127.0.0.1:0", HTTPListen: "127.0.0.1:0",
			// Soon enough for the old version to be removed while it is watched.
			Drain: s.options.pause / 5,
			Log:   slog.New(slog.NewTextHandler(log, nil)),
			Ready: func(xds, http net.Addr) { bound <- addresses{xds, http} },
		})
		if ctx.Err() == nil {
			err = fmt.Errorf("the server ended: %w", err)
			failed <- err
			cancel(err)
		}
		return err
	})
	select {
	case at := <-bound:
		s.client, err = (&connection{server: at.http.String(), namespace: api.DefaultNamespace}).client()
		return at.xds, err
	case err := <-failed:
		return nil, err
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the server: %w", ctx.Err())
	}
}

// run runs a part until the stage closes.
func (s *demoStage) run(part func(context.Context) error) {
	s.ends = append(s.ends, start(context.Background(), part))
}

// startEnvoys starts the Envoys and waits until each serves the Gateway.
func (s *demoStage) startEnvoys(ctx context.Context, cancel context.CancelCauseFunc, xds net.Addr) error {
	for i := range demoEnvoys {
		port, err := lab.FreePort()
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%s-%d", demoGateway, i+1)
		admin := fmt.Sprintf("127.0.0.1:%d", port)
		bootstrap, err := snapshot.Bootstrap(snapshot.BootstrapOptions{
			Gateway: api.Key{Namespace: api.DefaultNamespace, Name: demoGateway},
			NodeID:  name, XDS: xds.String(), Admin: admin,
		})
		if err != nil {
			return err
		}
		envoy, err := lab.StartEnvoy(lab.EnvoyOptions{
			Name: name, Dir: s.options.dir, Bootstrap: bootstrap, Admin: admin, Path: s.options.envoy,
		})
		if err != nil {
			return err
		}
		s.ends = append(s.ends, envoy.Close)
		s.envoys = append(s.envoys, envoy)
		s.guard(envoy, cancel)
	}
	for _, envoy := range s.envoys {
		if err := envoy.Ready(ctx, 1); err != nil {
			return err
		}
	}
	return nil
}

// guard ends the demo when an Envoy ends before the stage closes.
func (s *demoStage) guard(envoy *lab.Envoy, cancel context.CancelCauseFunc) {
	s.run(func(ctx context.Context) error {
		select {
		case <-envoy.Done():
			cancel(fmt.Errorf("the Envoy %s ended; its log says: %s", envoy.Name(), envoy.LogTail()))
		case <-ctx.Done():
		}
		return nil
	})
}

// startLoad starts the clients. The many connections are for the kernel to
// spread over the Envoys, which share the port.
func (s *demoStage) startLoad(cancel context.CancelCauseFunc) (err error) {
	s.load, err = lab.NewLoad(lab.LoadOptions{
		Targets: []string{fmt.Sprintf("127.0.0.1:%d", s.port)}, Host: demoHost,
		Rate: demoRate, Connections: 32,
	})
	if err != nil {
		return err
	}
	s.run(func(ctx context.Context) error {
		err := s.load.Run(ctx)
		if err != nil {
			cancel(err)
		}
		return err
	})
	return nil
}
