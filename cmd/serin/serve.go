package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/serin-mesh/serin/analysis/provider"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/discovery"
	"github.com/serin-mesh/serin/server"
	"github.com/serin-mesh/serin/store"
	"github.com/serin-mesh/serin/xds"
)

// serveOptions say what a server works on. Config, DataDir and the two
// addresses are required; port 0 takes a free one.
type serveOptions struct {
	Config     string // folder of objects
	DataDir    string // folder for the state
	XDSListen  string // HOST:PORT
	HTTPListen string // HOST:PORT
	TokenFile  string // empty: no tokens
	XDSTLS     tlsFiles

	// Commands allows metrics of job to run commands as the user that Serin runs
	// as. Prometheus is the address for metrics that have none.
	Commands   bool
	Prometheus string

	// AckTimeout, AwayTimeout and Drain are those of xds.Options; 0 is their
	// default.
	AckTimeout, AwayTimeout, Drain time.Duration

	// Cluster is where the objects come from in place of a folder.
	Cluster clusterOptions

	// Log takes what an operator should know; nil drops it.
	Log *slog.Logger
	// Ready, if not nil, is told the bound addresses once, when both listeners
	// accept.
	Ready func(xds, http net.Addr)
}

// serve runs a server until the context ends, and then stops it in order. An
// error is one of the start, or of a part that stopped.
func serve(ctx context.Context, o serveOptions) (err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Cluster.Enabled {
		return serveCluster(ctx, o)
	}
	if discovery.Inside(o.Config, o.DataDir) {
		return fmt.Errorf("the data folder %q is inside the config folder %q; give another --data-dir", o.DataDir, o.Config)
	}
	tokens, err := readTokens(o.TokenFile)
	if err != nil {
		return err
	}
	own, err := o.XDSTLS.read(o.Log)
	if err != nil {
		return err
	}
	folder := discovery.NewFolder(o.Config, discovery.Options{})
	read, err := folder.Load()
	if err != nil {
		return err
	}
	data, err := store.Open(o.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	saved, err := data.Load()
	if err != nil {
		return err
	}
	first, err := firstUpdate(read, saved.Objects, o.Log)
	if err != nil {
		return err
	}
	// Bound before anything is played: a port that is taken changes no state.
	listeners, err := listenBoth(ctx, o)
	if err != nil {
		return err
	}
	defer listeners.close()
	return join(o, data, saved, tokens, alone(o, own, saved), cluster{}).run(ctx, folder, first, listeners)
}

// keeper keeps what must outlive a crash.
type keeper interface {
	control.Store
	Run(ctx context.Context) error
}

// source is where objects come from.
type source interface {
	Run(ctx context.Context, changed func(discovery.Result)) error
}

// parts are the parts of a running server.
type parts struct {
	log     *slog.Logger
	store   keeper
	served  served
	control *control.Control

	providers *provider.Set
	beside    []func(context.Context) error // what else runs while it serves

	seen func(*api.Objects) // is told of each set of objects; nil: nobody is

	web   *server.Server
	told  func(xds, http net.Addr)
	ready atomic.Bool
}

// served are the Envoys that a server decides for.
type served struct {
	fleet control.Fleet
	run   func(ctx context.Context, lis net.Listener) error // answers them
}

// alone gives the Envoys of this process.
func alone(o serveOptions, own *identity, saved store.Saved) func(xds.Sink) served {
	return func(reports xds.Sink) served {
		s := xds.New(xds.Options{
			Sink: reports, Log: o.Log, TLS: toEnvoys(own),
			AckTimeout: o.AckTimeout, AwayTimeout: o.AwayTimeout, Drain: o.Drain,
		})
		if len(saved.Rollouts) > 0 {
			s.Expect(saved.Envoys.ByGateway())
		}
		return served{s, s.Run}
	}
}

// join makes the parts and ties them together; nothing runs yet. serving gives the
// Envoys, whose reports go to a sink.
func join(o serveOptions, data keeper, saved store.Saved, tokens server.Tokens, serving func(xds.Sink) served, in cluster) *parts {
	p := &parts{log: o.Log, store: data, told: o.Ready}
	reports := &sink{}
	p.served = serving(reports)
	p.providers = provider.New(provider.Options{
		Envoy: reported{reports}, Commands: o.Commands, PrometheusAddress: o.Prometheus, Jobs: in.jobs,
	})
	p.control = control.New(control.Options{
		Fleet: p.served.fleet, Store: data, Saved: saved, Log: o.Log, Measurer: measurer{p.providers}, Pods: in.pods, Experiments: in.experiments,
	})
	reports.Control = p.control
	p.web = server.New(server.Options{
		Control: watched{p.control}, Ready: p.isReady, Tokens: tokens, Version: programVersion(), Log: o.Log,
	})
	return p
}

// isReady says why the server is not ready, nil when it is.
func (p *parts) isReady() error {
	if !p.ready.Load() {
		return errors.New("the state is not loaded yet, or the server is stopping")
	}
	return nil
}

// run starts the parts from the inside out and stops them from the outside in,
// so that no action or ack is taken that could not be stored.
func (p *parts) run(ctx context.Context, from source, first control.Update, l *listeners) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopStore := start(ctx, func(ctx context.Context) error {
		err := p.store.Run(ctx)
		if err != nil { // nothing can be stored any more: what is served must not go on
			cancel(err)
		}
		return err
	})
	stopControl := start(ctx, p.control.Run)
	err := p.front(ctx, from, first, l)
	err = errors.Join(err, stopControl(), stopStore())
	p.providers.Close()
	return err
}

// front runs what faces the outside. The objects are played before any Envoy is
// answered: an empty server would wipe a fleet.
func (p *parts) front(ctx context.Context, from source, first control.Update, l *listeners) error {
	if err := p.control.Objects(ctx, first); err != nil {
		return fmt.Errorf("starting with the objects: %w", err)
	}
	// What a first version is must be known before anybody is sent there: after
	// a crash another version in the files would be the first.
	if err := p.control.Stored(ctx); err != nil {
		return fmt.Errorf("storing the first state: %w", err)
	}
	if l.relieve != nil {
		if err := l.relieve(); err != nil {
			return err
		}
	}
	p.ready.Store(true)
	defer p.ready.Store(false)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.served.run(ctx, l.xds) })
	g.Go(func() error { return p.web.Run(ctx, l.http) })
	for _, run := range p.beside {
		g.Go(func() error { return run(ctx) })
	}
	g.Go(func() error { return p.follow(ctx, from, first) })
	defer context.AfterFunc(ctx, func() { p.ready.Store(false) })()
	p.log.Info("serving", "xds", l.xds.Addr().String(), "http", l.http.Addr().String())
	if p.told != nil {
		p.told(l.xds.Addr(), l.http.Addr())
	}
	return g.Wait()
}

// follow hands the changes of the source on. Only where what runs is what the source
// held when it was loaded is a change of the source a change of what runs; a folder
// with errors is not.
func (p *parts) follow(ctx context.Context, from source, first control.Update) error {
	_, folder := from.(*discovery.Folder)
	known := first.Files != nil || !folder
	return from.Run(ctx, func(r discovery.Result) {
		if p.seen != nil && r.Objects != nil {
			p.seen(r.Objects)
		}
		update := control.Update{Objects: r.Objects, Files: r.Files, Findings: r.Findings}
		if known {
			update.Changed = append(append([]api.Ref{}, r.Changed...), r.Removed...)
		}
		known = known || r.Objects != nil
		if err := p.control.Objects(ctx, update); err != nil {
			p.log.Warn("a change of the objects came too late", "error", err)
		}
	})
}

// start runs a part beside the caller, on a context that outlasts the caller's.
// The function that it returns ends the part and gives its error.
func start(ctx context.Context, run func(context.Context) error) (stop func() error) {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- run(inner) }()
	return func() error {
		cancel()
		return <-done
	}
}

// sink hands reports to the control, which is made after the xDS server and the
// providers of measurements.
type sink struct{ *control.Control }

// watched is a Control as the HTTP server wants it.
type watched struct{ *control.Control }

// Watch tells of changes. Source: server.Control.
func (w watched) Watch(ctx context.Context) (server.Watch, error) {
	watch, err := w.Control.Watch(ctx)
	if err != nil {
		return nil, err
	}
	return watch, nil
}
