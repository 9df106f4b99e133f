package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/internal/stage"
	"github.com/serin-mesh/serin/rollout"
	"github.com/serin-mesh/serin/store"
)

// The steps that the Rollouts of the kill test have, in turns.
var crashPlans = [][]string{
	{"setWeight: 10", "pause: {duration: 120ms}", "setWeight: 30", "pause: {}", "setWeight: 55.5",
		"pause: {requests: 150}", "setWeight: 40", "pause: {duration: 50ms}"},
	{"setWeight: 5", "pause: {duration: 30ms}", "setWeight: 80", "pause: {duration: 80ms}"},
}

// planOf is the same in the machine's terms. It knows no more than it needs.
func planOf(lines []string) []rollout.StepSpec {
	var out []rollout.StepSpec
	for _, line := range lines {
		var percent float64
		var requests uint64
		var wait string
		switch {
		case scan(line, "setWeight: %g", &percent):
			w := rollout.Weight(percent * float64(rollout.Total) / 100)
			out = append(out, rollout.StepSpec{SetWeight: &w})
		case scan(line, "pause: {requests: %d}", &requests):
			out = append(out, rollout.StepSpec{Pause: &rollout.PauseSpec{Requests: requests}})
		case scan(line, "pause: {duration: %s", &wait):
			d, err := time.ParseDuration(strings.TrimSuffix(wait, "}"))
			if err != nil {
				panic(err)
			}
			out = append(out, rollout.StepSpec{Pause: &rollout.PauseSpec{Duration: d}})
		default:
			out = append(out, rollout.StepSpec{Pause: &rollout.PauseSpec{}})
		}
	}
	return out
}

func scan(line, format string, into any) bool {
	n, err := fmt.Sscanf(line, format, into)
	return n == 1 && err == nil
}

// TestKilledAtRandomMoments kills the program with SIGKILL at random moments of
// running rollouts, SERIN_KILLS times, in lives of at most killsALife. What it
// checks stands above the witness. SERIN_SEED chooses other moments.
func TestKilledAtRandomMoments(t *testing.T) {
	kills, seed := number(t, "SERIN_KILLS", 40), uint64(number(t, "SERIN_SEED", 1))
	began := time.Now()
	for done := 0; done < kills; done += killsALife {
		n := min(killsALife, kills-done)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { newLife(t, seed).play(n) })
		seed++
		if t.Failed() {
			return // the log of one is enough to read
		}
	}
	t.Logf("%d kills in %s", kills, time.Since(began).Round(time.Millisecond))
}

// killsALife is after how many kills a new data file is begun, so that journals
// stay short enough to be read after every kill.
const killsALife = 50

// number reads a number from the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("reading %s: %v", name, err)
	}
	return n
}

// The cast of a life.
const (
	lifeApps    = 3
	lifeClients = len(clientPace)
)

// clientPace is the most that each client takes over one response.
var clientPace = [...]time.Duration{0, 2 * time.Millisecond, 10 * time.Millisecond, 40 * time.Millisecond}

// life is one data file, from its first server to its last.
type life struct {
	t         *testing.T
	random    *rand.Rand
	folder    *lab.Folder
	data      string
	xds, http string
	clients   []*standIn
	apps      []*lab.App // as they were put last
	witnesses []*witness
	serin     *exec.Cmd
	log       stage.Output
	web       *http.Client
	actions   int // so far, for unique reasons

	// armed counts down the rises until the one at whose sight the server is
	// killed: what was visible before it was stored is lost then.
	armed  atomic.Int32
	prey   atomic.Pointer[os.Process] // the server that runs
	frozen answer                     // of all

	mu       sync.Mutex // guards problems
	problems []string
}

// answer is what is known of a switch over HTTP.
type answer int

const (
	unknown answer = iota
	no
	yes
)

func newLife(t *testing.T, seed uint64) *life {
	t.Helper()
	ports, err := lab.FreePorts(3)
	if err != nil {
		t.Fatal(err)
	}
	l := &life{t: t, random: rand.New(rand.NewPCG(seed, 0)), data: t.TempDir(), frozen: no,
		xds: fmt.Sprintf("127.0.0.1:%d", ports[0]), http: fmt.Sprintf("127.0.0.1:%d", ports[1]),
		web: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	if l.folder, err = lab.NewFolder(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	l.must(l.folder.PutGateway("edge", ports[2]))
	for i := range lifeApps {
		app := &lab.App{Name: fmt.Sprintf("app%d", i), Host: fmt.Sprintf("app%d.example", i), Gateways: []string{"edge"},
			Version: "v1", Versions: map[string][]string{}, Steps: crashPlans[i%len(crashPlans)]}
		for _, v := range lifeVersions {
			app.Versions[v] = []string{"127.0.0.1:9"} // nobody sends anything there
		}
		l.apps = append(l.apps, app)
		l.witnesses = append(l.witnesses, newWitness(app.Name, planOf(crashPlans[0]), planOf(crashPlans[1])))
		l.must(l.folder.PutApp(*app))
	}
	for i := range lifeClients {
		c := newStandIn(fmt.Sprintf("edge-%d", i), seed<<8+uint64(i))
		c.slow, c.fickle = clientPace[i], i == 1
		c.rose, c.broken = l.rose, l.problem
		l.clients = append(l.clients, c)
	}
	return l
}

var lifeVersions = []string{"v1", "v2", "v3", "v4"}

func (l *life) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) problem(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problems = append(l.problems, text)
}

func (l *life) rose(s sighting) {
	if l.armed.Add(-1) == 0 {
		l.strike()
	}
	for _, w := range l.witnesses {
		if w.name == s.service {
			w.rose(s)
		}
	}
}

// play lives through a number of kills, and then brings every rollout to an end.
func (l *life) play(kills int) {
	ctx, cancel := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	for _, c := range l.clients {
		clients.Go(func() {
			if err := c.run(ctx, l.xds); err != nil {
				l.problem(err.Error())
			}
		})
	}
	defer clients.Wait()
	defer cancel()
	defer l.stop()
	for i := range kills {
		l.spawn()
		l.act()
		l.kill()
		if l.inspect(); l.t.Failed() {
			l.t.Logf("it was kill %d; the server said:\n%s", i+1, tail(l.log.String(), 8000))
			return
		}
	}
	l.finish()
	if l.t.Failed() {
		l.t.Logf("the server said:\n%s", tail(l.log.String(), 8000))
	}
	l.summary()
}

// summary says what the life had in it, and fails where it was an idle one:
// then the kills would prove nothing.
func (l *life) summary() {
	kinds, rises, said := map[rollout.Kind]int{}, 0, 0
	for _, w := range l.witnesses {
		for _, e := range w.known {
			kinds[e.Record.Kind]++
		}
		rises, said = rises+w.held, said+len(w.said)
	}
	l.t.Logf("%d rises at clients, %d of %d actions confirmed, records %v", rises, said, l.actions, kinds)
	if rises == 0 || said == 0 || kinds[rollout.WeightSet] == 0 {
		l.t.Error("nothing happened")
	}
}

func tail(text string, n int) string { return text[max(len(text)-n, 0):] }

func (l *life) spawn() {
	l.t.Helper()
	l.serin = exec.Command(program, "serve", "--config", l.folder.Dir(), "--data-dir", l.data, "--xds-listen", l.xds,
		"--http-listen", l.http, "--ack-timeout", "300ms", "--away-timeout", "600ms", "--drain", "100ms")
	l.serin.Stdout, l.serin.Stderr = &l.log, &l.log
	l.must(l.serin.Start())
	l.prey.Store(l.serin.Process)
}

// strike kills the server; one that is dead already stays so.
func (l *life) strike() { _ = l.prey.Load().Kill() }

func (l *life) kill() {
	l.strike()
	_ = l.serin.Wait() // it tells of the kill
	l.serin = nil
}

// stop ends what still runs after a failure.
func (l *life) stop() {
	if l.serin != nil {
		l.kill()
	}
	if strings.Contains(l.log.String(), "DATA RACE") {
		l.t.Errorf("the server has a data race:\n%s", tail(l.log.String(), 20000))
	}
}

// The longest that a server lives, and how it comes to its end: at a random
// moment, at the sight of a rise, or while an action is under way.
const (
	serverLife = 500 * time.Millisecond
	ways       = 3
)

// act does what people do, until the moment to kill the server.
func (l *life) act() {
	way := l.random.IntN(ways)
	if way == 1 {
		l.armed.Store(1 + l.random.Int32N(6))
		defer l.armed.Store(0)
	}
	ends := time.Now().Add(time.Duration(l.random.Int64N(int64(serverLife))))
	for time.Now().Before(ends) && (way != 1 || l.armed.Load() > 0) {
		l.deed()
		wait(context.Background(), min(time.Duration(l.random.Int64N(int64(20*time.Millisecond))), time.Until(ends)))
	}
	if way == 2 {
		killer := time.AfterFunc(time.Duration(l.random.Int64N(int64(5*time.Millisecond))), l.strike)
		defer killer.Stop()
		l.deed()
	}
}

// deeds are what people do, and how often.
var deeds = []struct {
	often int
	do    func(l *life, i int)
}{
	{8, (*life).wantAnother},
	{3, (*life).wantOtherSteps},
	{6, (*life).moveEndpoints},
	{25, func(l *life, i int) { l.ask(i, rollout.Promote, `, "full": false`) }},
	{4, func(l *life, i int) { l.ask(i, rollout.Promote, `, "full": true`) }},
	{8, func(l *life, i int) { l.ask(i, rollout.Abort, "") }},
	{12, func(l *life, i int) { l.ask(i, rollout.Retry, "") }},
	{4, func(l *life, i int) { l.ask(i, rollout.Pause, "") }},
	{8, func(l *life, i int) { l.ask(i, rollout.Resume, "") }},
	{3, func(l *life, i int) { l.ask(i, rollout.Rollback, "") }},
	{2, func(l *life, i int) { l.ask(i, rollout.FreezeIt, "") }},
	{7, func(l *life, i int) { l.ask(i, rollout.Unfreeze, "") }},
	{1, func(l *life, _ int) { l.freezeAll(true) }},
	{5, func(l *life, _ int) { l.freezeAll(false) }},
	{20, func(l *life, i int) { l.status(i) }},
}

// deed does one of them to one Rollout.
func (l *life) deed() {
	sum := 0
	for _, d := range deeds {
		sum += d.often
	}
	n, i := l.random.IntN(sum), l.random.IntN(lifeApps)
	for _, d := range deeds {
		if n -= d.often; n < 0 {
			d.do(l, i)
			return
		}
	}
}

func (l *life) put(i int) { l.must(l.folder.PutApp(*l.apps[i])) }

func (l *life) wantAnother(i int) {
	l.apps[i].Version = lifeVersions[l.random.IntN(len(lifeVersions))]
	l.put(i)
}

func (l *life) wantOtherSteps(i int) {
	l.apps[i].Steps = crashPlans[l.random.IntN(len(crashPlans))]
	l.put(i)
}

// moveEndpoints takes the endpoints of a version away, or brings all back.
func (l *life) moveEndpoints(i int) {
	versions := map[string][]string{}
	for _, v := range lifeVersions {
		versions[v] = []string{"127.0.0.1:9"}
	}
	if l.random.IntN(2) == 0 {
		delete(versions, lifeVersions[l.random.IntN(len(lifeVersions))])
	}
	l.apps[i].Versions = versions
	l.put(i)
}

// ask asks for an action and notes whether it was confirmed.
func (l *life) ask(i int, verb rollout.Verb, more string) {
	l.actions++
	w, reason := l.witnesses[i], fmt.Sprintf("r%d", l.actions)
	w.ask(reason, verb)
	if code, _ := l.post("/api/v1/rollouts/"+w.name+"/"+string(verb), fmt.Sprintf(`{"reason": %q%s}`, reason, more)); code == http.StatusOK {
		w.answered(reason)
	}
}

// freezeAll freezes all, or ends that.
func (l *life) freezeAll(begin bool) {
	path, then := "/api/v1/unfreeze", no
	if begin {
		path, then = "/api/v1/freeze", yes
	}
	before := l.frozen
	l.frozen = unknown
	switch code, _ := l.post(path, "{}"); code {
	case http.StatusOK:
		l.frozen = then
	case http.StatusConflict:
		l.frozen = before
	}
}

// post asks for something; 0 says that nobody answered.
func (l *life) post(path, body string) (int, string) {
	resp, err := l.web.Post("http://"+l.http+path, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusConflict {
		l.problem(fmt.Sprintf("POST %s: %s %s", path, resp.Status, text))
	}
	return resp.StatusCode, string(text)
}

// status reads a Rollout; false where nobody answers.
func (l *life) status(i int) (api.RolloutStatus, bool) {
	w := l.witnesses[i]
	resp, err := l.web.Get("http://" + l.http + "/api/v1/rollouts/" + w.name)
	if err != nil {
		return api.RolloutStatus{}, false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return api.RolloutStatus{}, false
	}
	var o api.Rollout
	if err := errors.Join(json.Unmarshal(text, &o), statusError(resp)); err != nil {
		l.problem(fmt.Sprintf("GET %s: %v: %s", w.name, err, text))
		return api.RolloutStatus{}, false
	}
	w.show(o.Status)
	return o.Status, true
}

func statusError(resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// inspect opens what a killed server left behind and holds it against what was
// seen of it.
func (l *life) inspect() {
	l.t.Helper()
	s, err := store.Open(l.data)
	if err != nil {
		l.t.Error(err)
		return
	}
	defer func() { l.must(s.Close()) }()
	saved, err := s.Load()
	l.must(err)
	for _, w := range l.witnesses {
		key := api.Key{Namespace: "default", Name: w.name}
		journal, err := s.Journal(key)
		l.must(err)
		for _, wrong := range w.check(saved.Rollouts[key], journal) {
			l.t.Error(wrong)
		}
	}
	if l.frozen == yes && saved.Freeze == nil || l.frozen == no && saved.Freeze != nil {
		l.t.Errorf("the freeze of all is %v, and what was answered is %d", saved.Freeze, l.frozen)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.problems {
		l.t.Error(p)
	}
	l.problems = nil
}

// finish brings every rollout to its end: nothing that a kill did may hold one
// for ever.
func (l *life) finish() {
	l.spawn()
	deadline := time.Now().Add(patience)
	for i := range l.apps {
		for v := range l.apps[i].Versions {
			l.apps[i].Versions[v] = []string{"127.0.0.1:9"}
		}
		for _, v := range lifeVersions {
			l.apps[i].Versions[v] = []string{"127.0.0.1:9"}
		}
		l.put(i)
	}
	for i := range l.apps {
		for !l.finished(i) {
			if time.Now().After(deadline) {
				s, _ := l.status(i)
				text, _ := json.MarshalIndent(s, "", "  ")
				l.t.Errorf("app%d did not come to an end in %s:\n%s", i, patience, text)
				break
			}
			wait(context.Background(), 10*time.Millisecond)
		}
	}
	l.settled(deadline)
	l.kill()
	l.inspect()
}

// finished pushes a rollout on, and says whether it is over.
func (l *life) finished(i int) bool {
	s, ok := l.status(i)
	switch want := l.apps[i].Version; {
	case !ok:
	case s.Frozen != nil:
		l.freezeAll(false)
		l.ask(i, rollout.Unfreeze, "")
	case s.Pinned:
		l.ask(i, rollout.Resume, "")
	case s.Phase == api.PhaseHealthy:
		return s.StableRS == want
	case s.Phase == api.PhaseDegraded:
		l.ask(i, rollout.Retry, "")
	case s.Phase == api.PhasePaused:
		l.ask(i, rollout.Promote, `, "full": true`)
	}
	return false
}

// settled waits until every client sends everything to the versions wanted.
func (l *life) settled(deadline time.Time) {
	for _, c := range l.clients {
		for _, app := range l.apps {
			for c.has()[app.Name][app.Version] != 1 {
				if time.Now().After(deadline) {
					l.t.Errorf("%s has %v of %s, which is %s", c.id, c.has()[app.Name], app.Name, app.Version)
					return
				}
				wait(context.Background(), 5*time.Millisecond)
			}
		}
	}
}
