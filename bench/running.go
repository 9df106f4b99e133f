package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/discovery"
	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/store"
)

// runningGateways is over how many Gateways the rollouts are spread.
const runningGateways = 10

// reportSeconds is for how long reports are sent.
const reportSeconds = 10

// running measures the loop, the translation and the store with n rollouts
// under way, all paused at their first weight. The fleet is a double that agrees
// at once.
func running(ctx context.Context, m *machine, n int, out *record) (err error) {
	before, err := meshOf(n, "v1")
	if err != nil {
		return err
	}
	empty := memory()
	objects, err := meshOf(n, "v2")
	if err != nil {
		return err
	}
	files := memory() - empty
	dir, err := m.folder()
	if err != nil {
		return err
	}
	w, err := startMany(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	own := memory()
	began := time.Now()
	if err := w.roll(ctx, before, objects, n); err != nil {
		return err
	}
	started := time.Since(began)
	each := (memory() - own) / float64(n)
	s := out.series(fmt.Sprintf("%d rollouts", n), "the loop, the translation and the store of rollouts that are all under way")
	s.add(figures{"memory_bytes": each, "objects_memory_bytes": files / float64(n), "start_all_ms": ms(started)})
	out.compare("memory of a rollout under way over that of its objects", each, files/float64(n))
	out.atMost("memory of a rollout under way, bytes", each, 40_000)
	if err := w.reports(ctx, out, n); err != nil {
		return err
	}
	return w.abortAll(ctx, out, s, objects, n)
}

// appOf names one of the applications.
func appOf(i int) api.Key {
	return api.Key{Namespace: api.DefaultNamespace, Name: fmt.Sprintf("app%05d", i)}
}

// gatewayOf names the Gateway that an application is behind.
func gatewayOf(i int) string { return fmt.Sprintf("default/gw%d", i%runningGateways) }

// meshOf reads the objects of n applications that want a version.
func meshOf(n int, version string) (*api.Objects, error) {
	var text strings.Builder
	for g := range runningGateways {
		fmt.Fprintf(&text, "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: gw%d}\n"+
			"spec: {gatewayClassName: serin, listeners: [{name: http, protocol: HTTP, port: 10000}]}\n", g)
	}
	for i := range n {
		name := appOf(i).Name
		app := lab.App{Name: name, Host: name + ".example", Gateways: []string{fmt.Sprintf("gw%d", i%runningGateways)},
			Version: version, Steps: []string{"setWeight: 20", "pause: {}"},
			Versions: map[string][]string{"v1": {"127.0.0.1:9001"}, "v2": {"127.0.0.1:9002"}}}
		objects, err := app.YAML()
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&text, "---\n%s", objects)
	}
	result := discovery.FromFiles(map[string][]byte{"mesh.yaml": []byte(text.String())})
	if result.Objects == nil {
		return nil, fmt.Errorf("reading the objects of the bench: %v", result.Findings[0])
	}
	return result.Objects, nil
}

// many is a control with its store on a disk.
type many struct {
	control *control.Control
	fleet   *handing
	stop    func() error
}

// handing is a fleet that agrees at once and notes when it was handed something
// last, in nanoseconds since 1970.
type handing struct {
	yes
	last atomic.Int64
}

// Apply notes the time. Source: control.Fleet.
func (h *handing) Apply(api.Key, snapshot.Change) { h.last.Store(time.Now().UnixNano()) }

func startMany(ctx context.Context, dir string) (*many, error) {
	data, err := store.Open(filepath.Join(dir, "data"))
	if err != nil {
		return nil, err
	}
	fleet := &handing{yes: yes{changed: make(chan struct{})}}
	c := control.New(control.Options{Fleet: fleet, Store: data})
	ctx, cancel := context.WithCancel(ctx)
	loop, disk := make(chan error, 1), make(chan error, 1)
	go func() { loop <- c.Run(ctx) }()
	go func() { disk <- data.Run(ctx) }()
	return &many{c, fleet, func() error {
		cancel()
		return errors.Join(<-loop, <-disk, data.Close())
	}}, nil
}

// roll starts all canaries and waits until each is paused at its weight.
func (w *many) roll(ctx context.Context, before, objects *api.Objects, n int) error {
	for _, o := range []*api.Objects{before, objects} {
		if err := w.control.Objects(ctx, control.Update{Objects: o}); err != nil {
			return err
		}
		if err := w.control.Stored(ctx); err != nil {
			return err
		}
	}
	return w.until(ctx, n, atWeight)
}

// until waits until all rollouts are as asked for.
func (w *many) until(ctx context.Context, n int, yes func(api.RolloutStatus) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*patience)
	defer cancel()
	for i := 0; i < n; {
		o, err := w.control.Rollout(ctx, appOf(i))
		if err != nil {
			return fmt.Errorf("waiting for rollout %d of %d: %w", i, n, err)
		}
		if yes(o.Status) {
			i++
		}
	}
	return nil
}

// atWeight is where a canary waits at its first weight.
func atWeight(s api.RolloutStatus) bool {
	return s.Phase == api.PhasePaused && s.Canary.Weights.Canary.Weight == 20
}

// aborted is where it is out.
func aborted(s api.RolloutStatus) bool { return s.Abort }

// cpu gives what the process has used of its cores.
func cpu() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("asking for the time used: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// reports measures what one load report a second for each rollout costs. The
// floor hands the same reports to a goroutine that drops them.
func (w *many) reports(ctx context.Context, out *record, n int) error {
	inbox := make(chan stats.Load, 1024)
	go func() {
		for range inbox {
		}
	}()
	defer close(inbox)
	load := out.series("load reports", fmt.Sprintf("each second one of two clusters for each of %d rollouts", n))
	floor := out.series("load reports, floor", "the same, handed to a goroutine that drops them")
	for range 3 {
		if err := sendReports(ctx, n, func(l stats.Load) { inbox <- l }, floor); err != nil {
			return err
		}
		if err := sendReports(ctx, n, w.control.Load, load); err != nil {
			return err
		}
	}
	own := load.median("percent_of_a_core") - floor.median("percent_of_a_core")
	out.compare("load reports: the loop over a goroutine that drops them", load.median("percent_of_a_core"), floor.median("percent_of_a_core"))
	out.atMost(fmt.Sprintf("CPU of %d reports a second, percent of a core", n), own, 100)
	return nil
}

// sendReports sends reports evenly for a while.
func sendReports(ctx context.Context, n int, to func(stats.Load), s *series) error {
	const slots = 100 // of a second
	used, err := cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	for slot := range reportSeconds * slots {
		for i := slot % slots; i < n; i += slots {
			to(reportOf(i))
		}
		if err := hold(ctx, time.Until(began.Add(time.Duration(slot+1)*time.Second/slots))); err != nil {
			return err
		}
	}
	now, err := cpu()
	if err != nil {
		return err
	}
	s.add(figures{"percent_of_a_core": 100 * float64(now-used) / float64(time.Since(began))})
	return nil
}

// reportOf is one report of an Envoy on both versions of an application.
func reportOf(i int) stats.Load {
	of := func(version string, n uint64) stats.ClusterLoad {
		return stats.ClusterLoad{Cluster: appOf(i).String() + "/80/" + version, Interval: time.Second, Issued: n, Success: n}
	}
	return stats.Load{Node: "edge-1", Gateway: gatewayOf(i), Received: time.Now(),
		Clusters: []stats.ClusterLoad{of("v1", 80), of("v2", 20)}}
}

// abortAll takes all canaries out at once, by the guard and by people, and notes
// when the last resources were handed to the fleet. The floor takes the same
// weights through the translation alone.
func (w *many) abortAll(ctx context.Context, out *record, s *series, objects *api.Objects, n int) error {
	bare := bareAbort(objects, n)
	used, err := cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	for i := range n {
		w.control.Failures(failuresOf(i))
	}
	harmed, err := w.handedSince(ctx, began, n, aborted)
	if err != nil {
		return fmt.Errorf("harm to all: %w", err)
	}
	then, err := cpu()
	if err != nil {
		return err
	}
	if err := w.actAll(ctx, "retry", n); err != nil {
		return err
	}
	if err := w.until(ctx, n, atWeight); err != nil {
		return err
	}
	began = time.Now()
	if err := w.actAll(ctx, "abort", n); err != nil {
		return err
	}
	stored := time.Since(began)
	said, err := w.handedSince(ctx, began, n, aborted)
	if err != nil {
		return err
	}
	s.add(figures{"harm_to_all_handed_ms": ms(harmed), "harm_to_all_cpu_ms": ms(then - used), "abort_all_handed_ms": ms(said), "abort_all_stored_ms": ms(stored)})
	out.compare("harm to all until handed over, over the translation alone", ms(harmed), ms(bare))
	out.compare("abort of all until handed over, over the translation alone", ms(said), ms(bare))
	out.note("harm to all is a batch of %d failed responses for each rollout, one after the other; abort of all is one action "+
		"for each, all asked for at the same time. cpu is that of the whole process until all is stored. The translation alone takes all weights in one go.", failuresEach)
	return nil
}

// handedSince waits until all rollouts are as asked for and gives when the last
// resources had been handed over, counted from an instant.
func (w *many) handedSince(ctx context.Context, began time.Time, n int, yes func(api.RolloutStatus) bool) (time.Duration, error) {
	err := w.until(ctx, n, yes)
	return time.Unix(0, w.fleet.last.Load()).Sub(began), err
}

// failuresEach is how many failed responses of one canary decide without doubt.
const failuresEach = 12

// failuresOf are that many from one Envoy, each over a connection of its own.
func failuresOf(i int) stats.Failures {
	now := time.Now()
	out := stats.Failures{Node: "edge-1", Gateway: gatewayOf(i), Received: now}
	for j := range failuresEach {
		out.Entries = append(out.Entries, stats.Failure{
			Cluster: appOf(i).String() + "/80/v2", Host: "127.0.0.1:9002", Connection: fmt.Sprintf("127.0.0.1:%d", 20_000+j),
			Start: now.Add(-time.Duration(j+1) * time.Millisecond), Duration: time.Millisecond, Status: 500, GRPCStatus: -1, Attempts: 1,
		})
	}
	return out
}

// actAll asks for an action on each rollout, all at once.
func (w *many) actAll(ctx context.Context, verb string, n int) error {
	var g errgroup.Group
	for i := range n {
		g.Go(func() error {
			_, err := w.control.Act(ctx, appOf(i), api.Action{Verb: verb, Actor: "bench"})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("%s of all: %w", verb, err)
	}
	return nil
}

// bareAbort takes the weight 0 of n canaries through a Builder in one go.
func bareAbort(objects *api.Objects, n int) time.Duration {
	b := snapshot.NewBuilder(snapshot.Options{})
	b.SetObjects(objects)
	weigh := func(weight uint32) {
		for i := range n {
			b.SetSplit(appOf(i), &snapshot.Split{Stable: "v1", Canary: "v2", Weight: weight})
		}
		b.Flush()
	}
	weigh(200_000)
	began := time.Now()
	weigh(0)
	return time.Since(began)
}
