//go:build kube

package servers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	core "k8s.io/api/core/v1"

	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/internal/stage"
)

// shop is a Rollout with its route, at a port, of a version.
const shop = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: $NS}
spec:
  gatewayClassName: serin
  listeners: [{name: http, protocol: HTTP, port: $PORT}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: $NS}
spec:
  parentRefs: [{name: edge}]
  rules: [{backendRefs: [{name: shop, port: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: $NS}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop, namespace: $NS}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop, version: $VERSION}}
    spec:
      terminationGracePeriodSeconds: 5
      containers: [{name: shop, image: "shop:1", ports: [{name: http, containerPort: 8080}]}]
  strategy:
    canary:
      steps: [{setWeight: 10}, {pause: {duration: 3s}}, {setWeight: 20}, {pause: {duration: 3s}},
        {setWeight: 40}, {pause: {duration: 3s}}, {setWeight: 60}, {pause: {duration: 3s}}]
`

// balance listens as the Service of some servers: each connection goes to the first
// that is ready, and ends with it.
func (p *place) balance(servers ...*server) string {
	p.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	p.must(err)
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	p.Cleanup(func() { cancel(); _ = lis.Close(); all.Wait() })
	all.Go(func() {
		for {
			in, err := lis.Accept()
			if err != nil {
				return
			}
			all.Go(func() { forward(ctx, in, servers) })
		}
	})
	return lis.Addr().String()
}

// forward joins a connection with one to the first server that is ready.
func forward(ctx context.Context, in net.Conn, servers []*server) {
	defer in.Close()
	for _, s := range servers {
		if code, _, err := s.get(ctx, "/readyz"); err != nil || code != http.StatusOK {
			continue
		}
		out, err := net.Dial("tcp", s.xds)
		if err != nil {
			continue
		}
		defer out.Close()
		defer context.AfterFunc(ctx, func() { _ = in.Close(); _ = out.Close() })()
		done := make(chan struct{})
		go func() { defer close(done); _, _ = io.Copy(out, in); _ = out.Close() }()
		_, _ = io.Copy(in, out)
		_ = in.Close()
		<-done
		return
	}
}

// envoy starts an Envoy of the Gateway edge at an address of servers, and waits
// until it listens.
func (p *place) envoy(id, xds string) {
	p.Helper()
	p.must(p.envoyFor(id, nil, "--xds", xds).Ready(p.ctx, 1))
}

// envoyFor starts an Envoy of the Gateway edge by flags of serin bootstrap. edit, if
// not nil, changes its bootstrap.
func (p *place) envoyFor(id string, edit func(string) string, flags ...string) *lab.Envoy {
	p.Helper()
	return stage.Envoy(p.T, program, id, edit, append([]string{"--gateway", p.namespace + "/edge"}, flags...)...)
}

// status is of the Rollout shop, as far as these tests read it.
type status struct {
	Phase            string
	Message          string
	CurrentStepIndex *int
	Fleet            struct{ Connected, Acked, Away, Quarantined int }
	Observed         map[string]struct{ Requests uint64 }
}

// status asks a server for the Rollout shop.
func (s *server) status(ctx context.Context, namespace string) (status, error) {
	code, body, err := s.get(ctx, "/api/v1/rollouts/shop?namespace="+namespace)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("it answers %d %s", code, body)
	}
	var got struct{ Status status }
	if err == nil {
		err = json.Unmarshal([]byte(body), &got)
	}
	return got.Status, err
}

// reaches waits until a server tells of a Rollout that is as wanted.
func (p *place) reaches(s *server, what string, holds func(status) bool) {
	p.Helper()
	p.until(what, func(ctx context.Context) (bool, error) {
		got, err := s.status(ctx, p.namespace)
		if err == nil && !holds(got) {
			err = fmt.Errorf("it is %+v", got)
		}
		return err == nil, err
	})
}

// at tells whether a rollout that is under way has come to a step, by its index.
func at(step int) func(status) bool {
	return func(s status) bool {
		return s.Phase != "Healthy" && s.CurrentStepIndex != nil && *s.CurrentStepIndex >= step
	}
}

// load sends requests to a port until the test ends, or stop is called.
func (p *place) load(port int) (l *lab.Load, stop func()) {
	p.Helper()
	return stage.Load(p.T, lab.LoadOptions{Targets: []string{fmt.Sprintf("127.0.0.1:%d", port)}, Rate: 200})
}

// shop begins the Rollout shop with its version v1, whose pods answer with their
// version. It gives the port of its Gateway, and what puts another version.
func (p *place) shop() (port int, put func(version string)) {
	p.Helper()
	k, err := kubelab.StartKubelet(p.ctx, p.cluster.Config(kubelab.Admin), kubelab.KubeletOptions{
		Namespace: p.namespace, Nodes: []string{p.namespace + "-a"},
		Backend: kubelab.HTTP(func(pod *core.Pod) http.Handler {
			version := pod.Labels["version"]
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(lab.VersionHeader, version) })
		}),
	})
	p.must(err)
	p.Cleanup(func() { p.must(k.Close()) })
	port, err = lab.FreePort()
	p.must(err)
	put = func(version string) {
		p.Helper()
		p.must(p.cluster.Apply(p.ctx, strings.NewReplacer("$NS", p.namespace, "$PORT", fmt.Sprint(port), "$VERSION", version).Replace(shop)))
	}
	put("v1")
	return port, put
}

// probes asks a server, as a kubelet does, whether it lives and is ready, until stop
// is called. Every answer has to be yes.
func (p *place) probes(s *server) (stop func()) {
	ctx, cancel := context.WithCancel(p.ctx)
	done := make(chan struct{})
	var asked int
	var longest time.Duration
	go func() {
		defer close(done)
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		for ticks := time.Tick(20 * time.Millisecond); ctx.Err() == nil; asked++ {
			<-ticks
			for _, path := range []string{"/healthz", "/readyz"} {
				begun := time.Now()
				resp, err := client.Get("http://" + s.http + path)
				if err != nil {
					p.Errorf("%s: %v", path, err)
					return
				}
				_ = resp.Body.Close()
				longest = max(longest, time.Since(begun))
				if resp.StatusCode != http.StatusOK {
					p.Errorf("%s: %s", path, resp.Status)
				}
			}
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
		p.Logf("%d probes, the longest took %s", asked, longest.Round(time.Millisecond))
	})
	p.Cleanup(stop)
	return stop
}

// TestLeaderGone: two servers serve an Envoy each, and the rollout counts both. The
// leader is killed in the middle, or ended: the other one goes on within seconds, and
// is ready all the time, and no request is lost.
func TestLeaderGone(t *testing.T) {
	for name, by := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "ended": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) { newPlace(t, "leader-"+name).leaderGone(by) })
	}
}

func (p *place) leaderGone(by syscall.Signal) {
	t := p.T
	port, put := p.shop()
	one := p.serve()
	p.answers(one, "/readyz", http.StatusOK)
	two := p.serve()
	p.answers(two, "/readyz", http.StatusOK)
	p.envoy("e1", p.balance(one, two))
	p.envoy("e2", p.balance(two, one))
	p.reaches(two, "the first version", func(s status) bool { return s.Phase == "Healthy" && s.Fleet.Acked == 2 })
	load, stop := p.load(port)
	p.until("the service answers", func(context.Context) (bool, error) { return load.Counts().ByVersion["v1"].Requests > 100, nil })
	before := load.Counts()

	put("v2")
	p.reaches(two, "the first pause", at(1))
	p.reaches(two, "both Envoys", func(s status) bool { return s.Fleet.Connected == 2 && s.Fleet.Acked == 2 })
	if code, body, err := two.get(p.ctx, "/api/v1/fleet"); err != nil || code != 200 || !strings.Contains(body, `"e1"`) || !strings.Contains(body, `"e2"`) {
		t.Errorf("the fleet is %d %s %v", code, body, err)
	}
	p.reaches(two, "the second pause", at(3))
	ready := p.probes(two)
	killed := time.Now()
	_ = one.End(by) // it tells of the signal
	p.reaches(two, "another leader", func(status) bool { return true })
	t.Logf("another leader after %s", time.Since(killed).Round(10*time.Millisecond))
	p.reaches(two, "the next step", at(4))
	ready()
	t.Logf("the next step after %s", time.Since(killed).Round(10*time.Millisecond))
	p.reaches(two, "the end", func(s status) bool { return s.Phase == "Healthy" && s.Fleet.Acked == 2 && s.Fleet.Connected == 2 })
	t.Logf("the end after %s", time.Since(killed).Round(10*time.Millisecond))
	stop()
	got := load.Counts().Sub(before)
	if got.Failed > 0 || got.ByVersion["v2"].Requests == 0 {
		t.Errorf("of %d requests %d failed: %v %v", got.Requests, got.Failed, got.ByStatus, got.LastError)
	}
	t.Logf("%d requests, %v", got.Requests, got.ByVersion)
}
