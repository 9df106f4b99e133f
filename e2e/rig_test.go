package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/internal/stage"
)

// patience bounds every wait of these tests. It is long because the machine may
// be busy; nothing is measured by it.
const patience = 60 * time.Second

// program is the built Serin.
var program string

func TestMain(m *testing.M) { os.Exit(stage.Main(m, &program)) }

// rig is one Serin, its folder, some Envoys and services.
type rig struct {
	t      *testing.T
	folder *lab.Folder
	data   string
	port   int // of the Gateway edge
	xds    string
	http   string
	serin  *stage.Serin
	log    *stage.Output
	envoys map[string]*lab.Envoy
	app    lab.App
	apps   map[string]*lab.Service // by version

	bootstrap []string // further flags of serin bootstrap
}

// options shape a rig.
type options struct {
	steps    []string
	guard    string
	versions []string // with an endpoint each; v1 and v2 if empty
	flags    []string // of serve
	noSerin  bool     // do not start it yet
}

// newRig starts Serin with version v1 of the application shop.
func newRig(t *testing.T, o options) *rig {
	t.Helper()
	ports, err := lab.FreePorts(3)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{
		t: t, data: t.TempDir(), port: ports[0],
		xds: fmt.Sprintf("127.0.0.1:%d", ports[1]), http: fmt.Sprintf("127.0.0.1:%d", ports[2]),
		log: &stage.Output{}, envoys: map[string]*lab.Envoy{}, apps: map[string]*lab.Service{},
	}
	if r.folder, err = lab.NewFolder(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if len(o.versions) == 0 {
		o.versions = []string{"v1", "v2"}
	}
	r.app = lab.App{Name: "shop", Host: "shop.example", Gateways: []string{"edge"}, Version: "v1",
		Versions: map[string][]string{}, Steps: o.steps, Guard: o.guard}
	for _, v := range o.versions {
		r.app.Versions[v] = []string{r.service(v).Address()}
	}
	r.must(r.folder.PutGateway("edge", r.port))
	r.must(r.folder.PutApp(r.app))
	if !o.noSerin {
		r.start(o.flags...)
	}
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// service starts one version of the application.
func (r *rig) service(version string) *lab.Service {
	r.t.Helper()
	s, err := lab.StartService(version)
	r.must(err)
	r.t.Cleanup(func() { _ = s.Close() })
	r.apps[version] = s
	return s
}

// start starts Serin and waits until it is ready.
func (r *rig) start(flags ...string) {
	r.t.Helper()
	args := append([]string{"serve", "--config", r.folder.Dir(), "--data-dir", r.data,
		"--xds-listen", r.xds, "--http-listen", r.http}, flags...)
	r.serin = stage.Start(r.t, program, r.log, args...)
	r.until("ready", func() bool { return stage.Ready(r.http) })
}

// kill ends Serin with SIGKILL.
func (r *rig) kill() {
	r.t.Helper()
	_ = r.serin.End(os.Kill) // it tells of the kill
}

// command runs the program as a user would and gives its output and exit code.
func (r *rig) command(args ...string) (stdout, stderr string, code int) {
	r.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "SERIN_SERVER=http://"+r.http)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// does runs a command that must succeed.
func (r *rig) does(args ...string) string {
	r.t.Helper()
	out, errs, code := r.command(args...)
	if code != 0 {
		r.t.Fatalf("serin %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// envoy starts an Envoy of the Gateway edge and waits until it listens. edit, if
// not nil, changes its bootstrap.
func (r *rig) envoy(id string, edit func(string) string) *lab.Envoy {
	r.t.Helper()
	flags := append([]string{"--gateway", "edge", "--xds", r.xds}, r.bootstrap...)
	e := stage.Envoy(r.t, program, id, edit, flags...)
	r.envoys[id] = e
	r.ready(e)
	return e
}

func (r *rig) ready(e *lab.Envoy) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r.must(e.Ready(ctx, 1))
}

// get reads a path of the API.
func (r *rig) get(path string, into any) {
	r.t.Helper()
	resp, err := http.Get("http://" + r.http + path)
	r.must(err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		r.t.Fatalf("GET %s: %s\n%s", path, resp.Status, body)
	}
	r.must(json.NewDecoder(resp.Body).Decode(into))
}

func (r *rig) rollout(name string) api.RolloutStatus {
	r.t.Helper()
	var o api.Rollout
	r.get("/api/v1/rollouts/"+name, &o)
	return o.Status
}

func (r *rig) fleet() map[string]api.Envoy {
	r.t.Helper()
	var list struct {
		Envoys []api.Envoy `json:"envoys"`
	}
	r.get("/api/v1/fleet", &list)
	byID := map[string]api.Envoy{}
	for _, e := range list.Envoys {
		byID[e.ID] = e
	}
	return byID
}

// until asks again and again, as often as a fast reader would, until the answer
// is yes.
func (r *rig) until(what string, yes func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited %s in vain: %s", patience, what)
		}
		<-tick.C
	}
}

// await waits until the Rollout shop is as asked for.
func (r *rig) await(what string, yes func(api.RolloutStatus) bool) api.RolloutStatus {
	r.t.Helper()
	return r.awaitOf("shop", what, yes)
}

func (r *rig) awaitOf(name, what string, yes func(api.RolloutStatus) bool) api.RolloutStatus {
	r.t.Helper()
	var last api.RolloutStatus
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if last = r.rollout(name); yes(last) {
			return last
		}
		if time.Now().After(deadline) {
			text, _ := json.MarshalIndent(last, "", "  ")
			r.t.Fatalf("waited %s in vain until %s is %s; it is\n%s", patience, name, what, text)
		}
		<-tick.C
	}
}

// inForce waits until the whole fleet has acked a weight, in percent.
func (r *rig) inForce(percent float64, envoys int) api.RolloutStatus {
	r.t.Helper()
	return r.await(fmt.Sprintf("at %g%%, acked by %d", percent, envoys), func(s api.RolloutStatus) bool {
		return s.Canary.Weights.Canary.Weight == percent && s.Fleet.Connected == envoys && s.Fleet.Acked == envoys
	})
}

func (r *rig) want(version string) {
	r.t.Helper()
	r.must(r.folder.SetVersion("shop", version))
}

// load sends requests to the Gateway until the test or the returned function
// ends it.
func (r *rig) load(rate float64) (*lab.Load, func() lab.Counts) {
	r.t.Helper()
	l, stop := stage.Load(r.t, lab.LoadOptions{Targets: []string{fmt.Sprintf("127.0.0.1:%d", r.port)},
		Host: "shop.example", Rate: rate, Connections: 32})
	return l, func() lab.Counts {
		stop()
		return l.Counts()
	}
}

// sample lets a number of requests pass and gives what became of them.
func (r *rig) sample(l *lab.Load, requests uint64) lab.Counts {
	r.t.Helper()
	before := l.Counts()
	r.until("requests pass", func() bool { return l.Counts().Requests-before.Requests >= requests })
	return l.Counts().Sub(before)
}
