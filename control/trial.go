package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/rollout"
)

// Measurer takes the measurements of analyses. Source: analysis/provider.
type Measurer interface {
	// Measure takes one, from arguments to verdict. It returns soon after its
	// context is done, and may be called from any goroutine.
	Measure(ctx context.Context, m Measurement) run.Result
}

// Measurement is a measurement to take.
type Measurement struct {
	Task    run.Task
	Args    []api.Argument
	Secret  func(name, key string) (string, error)
	Rollout api.Key
	Run     string // the AnalysisRun's name
}

// noMeasurer measures nothing.
type noMeasurer struct{}

func (noMeasurer) Measure(context.Context, Measurement) run.Result {
	return run.Unusable(errors.New("this server takes no measurements"), nil)
}

// trial is a check under way, or one that has ended: what the machine calls a
// Run, with all that is needed to find the answer.
type trial struct {
	Run      rollout.Run    `json:"run"`
	Name     string         `json:"name"` // as the machine names it
	Question question       `json:"question"`
	Analyses []*analysisRun `json:"analyses,omitempty"`
	Proof    *proof         `json:"proof,omitempty"`
	Until    *time.Time     `json:"until,omitempty"`    // an experiment runs at least so long
	Apart    *apart         `json:"apart,omitempty"`    // an experiment with pods, whose Analyses only show what is
	Revision string         `json:"revision,omitempty"` // of the version, where that has one

	Outcome rollout.Outcome `json:"outcome,omitempty"`
	Message string          `json:"message,omitempty"`

	wake   time.Time // when to look again; zero: with news
	ctx    func() context.Context
	cancel context.CancelFunc
}

// analysisRun is one AnalysisRun of a trial.
type analysisRun struct {
	Name     string                `json:"name"`
	Required bool                  `json:"required,omitempty"` // an experiment waits for its end
	Spec     api.AnalysisRunSpec   `json:"spec"`
	Status   api.AnalysisRunStatus `json:"status"`
}

// start makes a trial able to measure.
func (t *trial) start() {
	ctx, cancel := context.WithCancel(context.Background())
	t.ctx, t.cancel = func() context.Context { return ctx }, cancel
}

// stop ends what still runs: nobody waits for the answer any more.
func (t *trial) stop(now time.Time) {
	if t.cancel != nil {
		t.cancel()
	}
	for _, a := range t.own() {
		if !run.Ended(a.Status) {
			a.Status = run.Stop(&a.Spec, a.Status, now)
		}
	}
}

// own gives the analyses that the loop runs itself.
func (t *trial) own() []*analysisRun {
	if t.Apart != nil {
		return nil
	}
	return t.Analyses
}

// follow brings the trials of a rollout in line with the checks that the machine
// waits for, and tells it the answers there are.
func (c *canary) follow(l *loop) {
	for range maxAnswers {
		c.match(l)
		answered := c.answered(l)
		if answered == nil {
			break
		}
		_ = c.play(l, *answered) // only actions are refused
	}
	if l.experiments != nil {
		l.wanting[c] = true
	}
	c.schedule(l)
}

// maxAnswers is more than the answers that one turn can bring.
const maxAnswers = 8

// match begins the trials that are missing and stops those that nobody waits
// for.
func (c *canary) match(l *loop) {
	wanted := rollout.Runs(c.spec, c.state)
	var running []*trial
	for _, t := range c.trials {
		if i := findRun(wanted, t.Run); i >= 0 && t.Outcome == "" {
			running = append(running, t)
			wanted = append(wanted[:i:i], wanted[i+1:]...)
			continue
		}
		t.stop(l.now)
		c.keep(t)
		c.changed(l)
	}
	for _, w := range wanted {
		if c.ended(w.Run) {
			continue // its answer is on its way to the machine
		}
		running = append(running, c.try(l, w))
		c.changed(l)
	}
	c.trials = running
	c.keepReports(l)
}

// ended tells whether a run has its answer already.
func (c *canary) ended(r rollout.Run) bool {
	for _, t := range c.past {
		if sameRun(t.Run, r) && t.Outcome != "" {
			return true
		}
	}
	return false
}

func findRun(wanted []rollout.Wanted, r rollout.Run) int {
	for i := range wanted {
		if sameRun(wanted[i].Run, r) {
			return i
		}
	}
	return -1
}

func sameRun(a, b rollout.Run) bool {
	return a.Attempt == b.Attempt && a.Step == b.Step && a.Beside == b.Beside && a.At.Equal(b.At)
}

// changed has what is stored of the trials stored again.
func (c *canary) changed(l *loop) {
	c.unsaved = true
	l.dirty[c] = true
	if l.evidenceAt.IsZero() {
		l.evidenceAt = l.now.Add(evidenceEvery)
	}
}

// try begins a trial. One that cannot begin is an error, which fails.
func (c *canary) try(l *loop, w rollout.Wanted) *trial {
	t := &trial{Run: w.Run, Name: w.Name, Revision: c.pods.report.Revision}
	t.start()
	err := json.Unmarshal([]byte(w.What), &t.Question)
	if err == nil {
		err = t.Question.begin(c, l, t)
	}
	if err != nil {
		t.Outcome, t.Message = rollout.Failed, err.Error()
	}
	return t
}

// answered looks at every trial and gives the first answer; nil where there is
// none.
func (c *canary) answered(l *loop) *rollout.Checked {
	for _, t := range c.trials {
		if t.Outcome == "" {
			c.look(l, t)
		}
		if t.Outcome != "" {
			c.keep(t)
			return &rollout.Checked{Run: t.Run, Outcome: t.Outcome, Message: t.Message}
		}
	}
	return nil
}

// look takes the measurements that are due, and finds the outcome.
func (c *canary) look(l *loop, t *trial) {
	t.wake = time.Time{}
	if t.Until != nil && l.now.Before(*t.Until) {
		t.wake = *t.Until
	}
	for _, a := range t.own() {
		status, tasks, wake := run.Next(&a.Spec, a.Status, l.now)
		a.Status = status
		for _, task := range tasks {
			c.measure(l, t, a, task)
		}
		if !wake.IsZero() && (t.wake.IsZero() || wake.Before(t.wake)) {
			t.wake = wake
		}
	}
	if t.Apart != nil && t.Apart.weighted() && c.object != nil {
		c.beside(l, t.Run, t.Apart.traffic(c.object.MaxTrafficWeight()))
	}
	if t.Question.Promotion != nil {
		t.Outcome, t.Message = c.promotable()
	} else {
		t.Outcome, t.Message = t.Question.outcome(t, l.now)
	}
}

// measure has a measurement taken beside the loop.
func (c *canary) measure(l *loop, t *trial, a *analysisRun, task run.Task) {
	m := Measurement{Task: task, Args: a.Spec.Args, Secret: l.objects.SecretsIn(c.key.Namespace), Rollout: c.key, Run: a.Name}
	ctx := t.ctx()
	l.work.Go(func() {
		result := l.measurer.Measure(ctx, m)
		l.tell(func(l *loop) { c.measured(l, t, a, task.Metric.Name, result) })
	})
}

// measured takes the result of a measurement, unless the trial is over.
func (c *canary) measured(l *loop, t *trial, a *analysisRun, metric string, result run.Result) {
	if t.Outcome != "" || t.ctx().Err() != nil {
		return
	}
	a.Status = run.Measured(&a.Spec, a.Status, metric, t.Question.judge(result), l.now)
	l.asking[c] = true
	c.changed(l)
}

// keep puts a trial that has ended among the past ones, of which so many are
// kept as the Rollout says.
func (c *canary) keep(t *trial) {
	for _, p := range c.past {
		if p == t {
			return
		}
	}
	c.past = append(c.past, t)
	good, bad := runsKept(c.object)
	for i := len(c.past) - 1; i >= 0; i-- {
		left := &good
		if o := c.past[i].Outcome; o == rollout.Failed || o == rollout.Inconclusive {
			left = &bad
		}
		if *left--; *left < 0 && c.past[i].Run.Attempt != c.state.Attempt {
			c.past = append(c.past[:i:i], c.past[i+1:]...)
		}
	}
}

// runsKept gives how many trials that ended well and that did not are kept. The
// defaults are Argo's.
func runsKept(r *api.Rollout) (good, bad int) {
	good, bad = 5, 5
	if r == nil || r.Spec.Analysis == nil {
		return good, bad
	}
	if n := r.Spec.Analysis.Successful; n != nil {
		good = int(*n)
	}
	if n := r.Spec.Analysis.Unsuccessful; n != nil {
		bad = int(*n)
	}
	return good, bad
}

// attempts gives the trials of the present attempt, the past ones first.
func (c *canary) attempts() []*trial {
	var out []*trial
	for _, t := range append(append([]*trial{}, c.past...), c.trials...) {
		if t.Run.Attempt == c.state.Attempt {
			out = append(out, t)
		}
	}
	return out
}

// nextTrial is when the first trial wants to be looked at; zero: with news.
func (c *canary) nextTrial() time.Time {
	var next time.Time
	for _, t := range c.trials {
		if !t.wake.IsZero() && (next.IsZero() || t.wake.Before(next)) {
			next = t.wake
		}
	}
	return next
}

// stopTrials ends the measurements of all rollouts.
func (l *loop) stopTrials() {
	for _, c := range l.canaries {
		for _, t := range c.trials {
			t.cancel()
		}
	}
}

// trials as they are stored.
type savedTrials struct {
	Running []*trial `json:"running,omitempty"`
	Past    []*trial `json:"past,omitempty"`
}

func (c *canary) savedTrials() json.RawMessage {
	if len(c.trials)+len(c.past) == 0 {
		return nil
	}
	raw, err := json.Marshal(savedTrials{c.trials, c.past})
	if err != nil { // what came from JSON goes back to JSON
		return nil
	}
	return raw
}

// restoreTrials takes up the trials that were stored. Measurements that were
// under way are taken again.
func (c *canary) restoreTrials(raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	var saved savedTrials
	if err := json.Unmarshal(raw, &saved); err != nil {
		return err
	}
	c.trials, c.past = saved.Running, saved.Past
	for _, t := range c.trials {
		t.start()
		for _, a := range t.own() {
			a.Status = run.Interrupted(a.Status)
		}
	}
	return nil
}

// runName is the name of an AnalysisRun, as Argo makes them: of the Rollout, its
// version, the attempt and the step.
func (c *canary) runName(r rollout.Run, suffix string) string {
	name := fmt.Sprintf("%s-%s-%d", c.key.Name, c.state.Version, r.Attempt)
	if !r.Beside {
		name += fmt.Sprintf("-%d", r.Step)
	}
	return strings.TrimSuffix(name+"-"+suffix, "-")
}
