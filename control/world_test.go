package control_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	runtimev3 "github.com/envoyproxy/go-control-plane/envoy/service/runtime/v3"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/discovery"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/stats"
	"github.com/serin-mesh/serin/store"
	"github.com/serin-mesh/serin/xds"
)

var shop = api.Key{Namespace: "default", Name: "shop"}

// fleet is a double of the xDS server: its Envoys accept everything at once,
// unless told otherwise.
type fleet struct {
	required atomic.Int64 // how many Requirements are asked for
	members  atomic.Uint64
	mu       sync.Mutex
	keys     map[string]float64 // runtime keys of the last layer handed over
	applied  int
	listener string // the last listener, as JSON
	route    string // the last table, encoded: its texts can be looked for
	progress xds.Progress
	changed  chan struct{}
}

func newFleet() *fleet {
	return &fleet{changed: make(chan struct{}, 1),
		progress: xds.Progress{Connected: 2, Acked: 2, Settled: true}}
}

func (f *fleet) Members() uint64 { return f.members.Load() }

func (f *fleet) Present() (map[api.Key][]string, uint64) {
	n := f.Members()
	return map[api.Key][]string{{Namespace: "default", Name: "edge"}: {fmt.Sprintf("e%d", n)}}, n
}

func (f *fleet) Apply(_ api.Key, c snapshot.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.applied++
	for _, r := range c.Set {
		if r.Type == snapshot.Route {
			f.route = string(r.Body.GetValue())
		}
		if r.Type == snapshot.Listener {
			var l listenerv3.Listener
			if err := r.Body.UnmarshalTo(&l); err != nil {
				panic(err)
			}
			f.listener = protojson.Format(&l)
		}
		if r.Type != snapshot.Runtime {
			continue
		}
		var layer runtimev3.Runtime
		if err := r.Body.UnmarshalTo(&layer); err != nil {
			panic(err)
		}
		f.keys = map[string]float64{}
		for k, v := range layer.GetLayer().GetFields() {
			f.keys[k] = v.GetNumberValue()
		}
	}
	f.signal()
}

func (f *fleet) Require(map[api.Key][]snapshot.Ref) *xds.Requirement {
	f.required.Add(1)
	return &xds.Requirement{}
}

// Release is called once for each Requirement that is not asked for any more.
func (f *fleet) Release(*xds.Requirement) { f.required.Add(-1) }

func (f *fleet) Progress(*xds.Requirement, time.Time) xds.Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.progress
}

func (f *fleet) Changed() <-chan struct{} { return f.changed }
func (f *fleet) Envoys() []api.Envoy      { return nil }

func (f *fleet) signal() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// set changes what the fleet says of itself.
func (f *fleet) set(p xds.Progress) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.progress = p
	f.signal()
}

// weight gives the weight of a canary that the fleet has, in percent; -1 where
// there are no keys for it.
func (f *fleet) weight(version string) float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, v := range f.keys {
		if k == "serin.default/shop/80/"+version+".default/shop/80/"+version {
			return v / 10_000
		}
	}
	return -1
}

// listenerText gives the fleet's listener, as JSON.
func (f *fleet) listenerText() string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.listener
}

// routeHas says whether the fleet's routes contain a text.
func (f *fleet) routeHas(text string) bool {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Contains(f.route, text)
}

// disk is a double of the store whose writes become durable when the test says
// so, or at once.
type disk struct {
	mu      sync.Mutex
	slow    bool
	waiting []store.Write
	saved   store.Saved
	journal map[api.Key][]store.Entry
}

func newDisk() *disk {
	return &disk{saved: store.Saved{Rollouts: map[api.Key]store.Rollout{}}, journal: map[api.Key][]store.Entry{}}
}

func (d *disk) Write(w store.Write) {
	d.mu.Lock()
	d.waiting = append(d.waiting, w)
	slow := d.slow
	d.mu.Unlock()
	if !slow {
		go d.flush(nil)
	}
}

// flush makes what waits durable, or tells that it failed and keeps it.
func (d *disk) flush(err error) {
	d.mu.Lock()
	batch := d.waiting
	if err == nil {
		d.waiting = nil
		for _, w := range batch {
			d.keep(w)
		}
	}
	d.mu.Unlock()
	for _, w := range batch {
		if err != nil && w.Failed != nil {
			w.Failed(err)
		}
		if err == nil && w.Done != nil {
			w.Done()
		}
	}
}

func (d *disk) keep(w store.Write) {
	for k, r := range w.Put {
		d.saved.Rollouts[k] = r
	}
	for _, k := range w.Delete {
		delete(d.saved.Rollouts, k)
	}
	for k, lines := range w.Journal {
		d.journal[k] = append(d.journal[k], lines...)
	}
	if w.Freeze != nil {
		d.saved.Freeze = w.Freeze.Of
	}
	if w.Objects != nil {
		d.saved.Objects = w.Objects
	}
	if w.Envoys != nil {
		d.saved.Envoys = w.Envoys
	}
	if w.Releases != nil {
		d.saved.Releases = w.Releases
	}
}

func (d *disk) setSlow(slow bool) { d.mu.Lock(); d.slow = slow; d.mu.Unlock() }

func (d *disk) Journal(key api.Key) ([]store.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.journal[key], nil
}

// world is a control loop between doubles, in a bubble of time.
type world struct {
	t     *testing.T
	fleet *fleet
	disk  *disk
	gauge *gauge
	*control.Control
	experiments control.Experiments // nil: nobody runs any
	cancel      context.CancelFunc
	failed      int
	route       string    // that failed requests matched
	last        []api.Ref // what the loop has; nil: it has nothing yet
}

// inWorld runs a test with a loop that has seen version v1.
func inWorld(t *testing.T, f func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, fleet: newFleet(), disk: newDisk(), gauge: &gauge{values: map[string]any{}}}
		w.start()
		defer w.stop()
		w.objects("v1", 1, 1)
		f(w)
	})
}

func (w *world) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.last = cancel, nil
	w.Control = control.New(control.Options{Fleet: w.fleet, Store: w.disk, Saved: w.disk.saved, Measurer: w.gauge, Experiments: w.experiments})
	go func() { _ = w.Run(ctx) }()
}

func (w *world) stop() { w.cancel(); synctest.Wait() }

const objectsOf = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: serin, listeners: [{name: http, protocol: HTTP, port: 10000}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: shop, port: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{name: http, port: 80}]}
`

func slice(version string, endpoints int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"+
		"metadata: {name: shop-%s, labels: {kubernetes.io/service-name: shop, app.kubernetes.io/version: %s}}\n"+
		"addressType: IPv4\nports: [{name: http, port: 9000}]\nendpoints:\n", version, version)
	for i := range endpoints {
		fmt.Fprintf(&b, "- {addresses: [127.0.0.%d]}\n", i+1)
	}
	if endpoints == 0 {
		b.WriteString("- {addresses: [127.0.0.1], conditions: {ready: false}}\n")
	}
	return b.String()
}

const rolloutOf = `---
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  template: {metadata: {labels: {app.kubernetes.io/version: %s}}}
  strategy: {canary: {guard: %s, steps: [{setWeight: 20}, {pause: {duration: 1m}}, {setWeight: 50}, {pause: {}}]}}
`

// objects hands the loop a folder in which a version is wanted.
func (w *world) objects(version string, stable, canary int) {
	w.t.Helper()
	w.files(map[string]string{"shop.yaml": objectsOf + slice("v1", stable) + slice("v2", canary) +
		fmt.Sprintf(rolloutOf, version, "{}")})
}

func (w *world) files(files map[string]string) {
	w.t.Helper()
	raw := map[string][]byte{}
	for name, text := range files {
		raw[name] = []byte(text)
	}
	r := discovery.FromFiles(raw)
	u := control.Update{Objects: r.Objects, Files: r.Files, Findings: r.Findings}
	if w.last != nil && r.Objects != nil {
		// All that was and all that is: what has one of them as it was does no harm.
		u.Changed = append(append([]api.Ref{}, r.Changed...), w.last...)
	}
	if r.Objects != nil {
		w.last = r.Changed
	}
	if err := w.Objects(context.Background(), u); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

// status is what a user sees: a stored state.
func (w *world) status() api.RolloutStatus {
	w.t.Helper()
	synctest.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r, err := w.Rollout(ctx, shop)
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Status
}

// decided is what the loop has decided, stored or not.
func (w *world) decided() api.RolloutStatus {
	w.t.Helper()
	synctest.Wait()
	all, err := w.Rollouts(context.Background(), "default")
	if err != nil || len(all) != 1 {
		w.t.Fatal(all, err)
	}
	return all[0].Status
}

func (w *world) act(verb string) error {
	w.t.Helper()
	_, err := w.Act(context.Background(), shop, api.Action{Verb: verb, Actor: "ana", Reason: "why not"})
	synctest.Wait()
	return err
}

// has checks the weight of v2 at the fleet.
func (w *world) has(percent float64) {
	w.t.Helper()
	synctest.Wait()
	if got := w.fleet.weight("v2"); got != percent {
		w.t.Fatalf("the fleet has v2 at %g%%, want %g%%; %+v", got, percent, w.decided())
	}
}

// fails reports failed responses of versions, in one batch.
func (w *world) fails(versions ...string) {
	w.t.Helper()
	w.failsOf("shop", versions...)
}

// failsOf is fails for another application.
func (w *world) failsOf(app string, versions ...string) {
	w.t.Helper()
	batch := stats.Failures{Node: "edge-1", Gateway: "default/edge", Received: time.Now()}
	for i, v := range versions {
		w.failed++ // no two entries are the same
		batch.Entries = append(batch.Entries, stats.Failure{
			Cluster: "default/" + app + "/80/" + v, Host: fmt.Sprintf("127.0.0.%d:9000", i%2+1),
			Start: time.Now().Add(-time.Millisecond - time.Duration(w.failed)), Duration: time.Millisecond, Status: 500, GRPCStatus: -1, Route: w.route,
		})
	}
	w.Failures(batch)
	synctest.Wait()
}
