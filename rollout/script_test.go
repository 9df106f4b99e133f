package rollout_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/serin-mesh/serin/rollout"
)

// The scripts in testdata/script are the rules of a rollout, each with the rule
// in front, what happens under play, and all that the machine makes of it under
// outcome: the records of each event, then what a user would see.

var update = flag.Bool("update", false, "write the outcomes of the scripts anew")

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.Files) != 2 || archive.Files[0].Name != "play" || archive.Files[1].Name != "outcome" {
		t.Fatal("a script has the files play and outcome")
	}
	if len(archive.Comment) == 0 {
		t.Error("a script has its rule in front")
	}
	s := &scene{now: t0, ready: map[string]int{}}
	for line := range strings.Lines(string(archive.Files[0].Data)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := s.play(line); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	if *update {
		archive.Files[1].Data = []byte(s.out.String())
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(archive.Files[1].Data), s.out.String()); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

// scene is one Rollout in a script.
type scene struct {
	spec  rollout.Spec
	state rollout.State
	now   time.Time
	ready map[string]int
	count uint64
	out   strings.Builder
}

// play plays one line.
func (s *scene) play(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	fmt.Fprintf(&s.out, "> %s\n", line)
	err := s.command(verb, rest)
	s.show()
	return err
}

func (s *scene) command(verb, rest string) error {
	if done, err := s.edit(verb, rest); done {
		return err
	}
	switch verb {
	case "endpoints":
		version, n, _ := strings.Cut(rest, " ")
		ready, err := strconv.Atoi(n)
		s.ready[version] = ready
		s.endpoints()
		return err
	case "pods": // pods met, or pods and what is missing
		s.tell(rollout.PodsSeen{Pods: rollout.Pods{Need: rollout.Demand(s.spec, s.state), Met: rest == "met", Message: rest}})
	case "fleet":
		return s.fleet(rest)
	case "ack":
		s.ack()
	case "late": // news of the generation before
		s.tell(rollout.FleetSeen{Fleet: rollout.Fleet{Generation: s.state.Generation - 1, Connected: 2, Acked: 2, Settled: true}})
	case "pass":
		d, err := time.ParseDuration(rest)
		s.now = s.now.Add(d)
		s.tell(rollout.Ticked{})
		return err
	case "requests":
		n, err := strconv.ParseUint(rest, 10, 64)
		s.count += n
		s.tell(rollout.Counted{Attempt: s.state.Attempt, Requests: s.count})
		return err
	case "harm":
		s.tell(rollout.HarmFound{Attempt: s.state.Attempt, Message: rest})
	case "old-harm":
		s.tell(rollout.HarmFound{Attempt: s.state.Attempt - 1, Message: rest})
	case "beside", "old-beside":
		return s.beside(verb, rest)
	case "answer", "answer-beside", "old-answer":
		return s.answer(verb, rest)
	case "restart":
		return s.restart()
	default:
		return s.act(verb, rest)
	}
	return nil
}

// edit changes the Rollout object.
func (s *scene) edit(verb, rest string) (done bool, err error) {
	switch verb {
	case "want":
		s.spec.Version = rest
	case "steps":
		s.spec.Steps, err = readSteps(rest)
	case "paused":
		s.spec.Paused = rest == "yes"
	case "onHarm":
		s.spec.PauseOnHarm = rest == "pause"
	case "rollbackWindow":
		s.spec.FastWindow, err = strconv.Atoi(rest)
	case "progressDeadline":
		words := strings.Fields(rest)
		s.spec.DeadlineAborts = len(words) == 2 && words[1] == "abort"
		s.spec.Deadline, err = time.ParseDuration(words[0])
	case "turn":
		s.spec.Turn = rest
	case "stable-before":
		s.spec.Stable = rest
		return true, nil
	case "out-before": // the wanted version had been aborted
		s.spec.Out = true
		return true, nil
	case "scaled":
		s.spec.Scaled = rest == "yes"
	case "background":
		name, from, _ := strings.Cut(rest, " from ")
		s.spec.Background = &rollout.Background{Name: name, What: name}
		s.spec.Background.From, err = strconv.Atoi(from)
	case "delete":
		s.tell(rollout.SpecGone{})
		return true, nil
	default:
		return false, nil
	}
	if s.spec.Version != "" {
		s.tell(rollout.SpecSeen{})
		s.endpoints()
	}
	return true, err
}

// endpoints tells what is ready, where somebody asks.
func (s *scene) endpoints() {
	if s.state.Active() {
		s.tell(rollout.EndpointsSeen{Canary: s.ready[s.state.Version], Stable: s.ready[s.state.Stable]})
	}
}

// fleet reads numbers: fleet 3 acked 1 waiting 1 away 1 rejected 1 quarantined 1
// settled.
func (s *scene) fleet(rest string) error {
	words := strings.Fields("connected " + rest)
	f := rollout.Fleet{Generation: s.state.Generation}
	fields := map[string]*int{"connected": &f.Connected, "acked": &f.Acked, "waiting": &f.Waiting,
		"rejected": &f.Rejected, "quarantined": &f.Quarantined, "away": &f.Away}
	for i := 0; i < len(words); i++ {
		if words[i] == "settled" {
			f.Settled = true
			continue
		}
		field := fields[words[i]]
		if field == nil || i+1 == len(words) {
			return fmt.Errorf("%q is not understood", words[i])
		}
		i++
		n, err := strconv.Atoi(words[i])
		if err != nil {
			return err
		}
		*field = n
	}
	s.tell(rollout.FleetSeen{Fleet: f})
	return nil
}

// ack lets two Envoys accept all there is, until nothing moves.
func (s *scene) ack() {
	for before := ^uint64(0); before != s.state.Generation; {
		before = s.state.Generation
		s.tell(rollout.FleetSeen{Fleet: rollout.Fleet{Generation: before, Connected: 2, Acked: 2, Settled: true}})
	}
}

// answer reads the answer to a check: Passed all is well.
func (s *scene) answer(verb, rest string) error {
	outcome, message, _ := strings.Cut(rest, " ")
	for _, w := range rollout.Runs(s.spec, s.state) {
		if w.Beside != (verb == "answer-beside") {
			continue
		}
		if verb == "old-answer" {
			w.At = w.At.Add(-time.Second)
		}
		s.tell(rollout.Checked{Run: w.Run, Outcome: rollout.Outcome(outcome), Message: message})
		return nil
	}
	return fmt.Errorf("no check waits for %q", rest)
}

// beside reads what versions beside the canary are to have: e1 5, e2 10.
func (s *scene) beside(verb, rest string) error {
	ev := rollout.BesideSeen{Run: rollout.Run{Attempt: s.state.Attempt, Step: s.state.Step}}
	for _, w := range rollout.Runs(s.spec, s.state) {
		if !w.Beside {
			ev.Run = w.Run
		}
	}
	if verb == "old-beside" {
		ev.Run.At = ev.Run.At.Add(-time.Second)
	}
	for part := range strings.SplitSeq(rest, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		version, percent, _ := strings.Cut(part, " ")
		n, err := strconv.ParseFloat(percent, 64)
		if err != nil {
			return err
		}
		ev.Parts = append(ev.Parts, rollout.Part{Version: version, Weight: *weight(n)})
	}
	s.tell(ev)
	return nil
}

// restart goes on with what was stored, as a new process would.
func (s *scene) restart() error {
	data, err := json.Marshal(s.state)
	if err != nil {
		return err
	}
	s.state, s.count = rollout.State{}, 0
	if err := json.Unmarshal(data, &s.state); err != nil {
		return err
	}
	s.tell(rollout.SpecSeen{})
	s.endpoints()
	return nil
}

// act is what a person asks for; what follows the verb is the reason.
func (s *scene) act(verb, rest string) error {
	a := rollout.Action{Verb: rollout.Verb(verb), Actor: "ana", Reason: rest}
	switch {
	case a.Verb == rollout.Promote && rest == "full":
		a.Full, a.Reason = true, ""
	case a.Verb == rollout.Rollback:
		a.To, a.Reason = rest, ""
		to := rest
		if n := len(s.state.Proven); to == "" && n > 0 {
			to = s.state.Proven[n-1]
		}
		a.Ready = s.ready[to]
	case a.Verb == rollout.FreezeIt && rest != "":
		d, err := time.ParseDuration(rest)
		if err != nil {
			return err
		}
		until := s.now.Add(d)
		a.Until, a.Reason = &until, ""
	}
	s.tell(rollout.Acted{Action: a})
	if a.Verb == rollout.Retry || a.Verb == rollout.Resume {
		s.endpoints()
	}
	return nil
}

// tell plays an event and prints the records that came of it.
func (s *scene) tell(ev rollout.Event) {
	attempt := s.state.Attempt
	next, eff, err := rollout.Step(s.spec, s.state, s.now, ev)
	if err != nil {
		fmt.Fprintf(&s.out, "  refused: %v\n", err)
		return
	}
	s.state = next
	if next.Attempt != attempt {
		s.count = 0
	}
	for _, r := range eff.Records {
		by := ""
		if r.Actor != "serin" {
			by = " (" + strings.TrimSuffix(r.Actor+": "+r.Reason, ": ") + ")"
		}
		fmt.Fprintf(&s.out, "  %s: %s%s\n", r.Kind, r.Message, by)
	}
}

// show prints what a user would see.
func (s *scene) show() {
	if s.state.Stage == "" {
		return
	}
	split := s.state.Split()
	fmt.Fprintf(&s.out, "  = %s, step %d, %s %s", s.state.Phase(s.spec), s.state.Step, split.Stable, split.Rest())
	if split.Canary != "" {
		fmt.Fprintf(&s.out, ", %s %s", split.Canary, split.Weight)
	}
	for _, p := range split.Beside {
		fmt.Fprintf(&s.out, ", beside it %s %s", p.Version, p.Weight)
	}
	for _, r := range split.Routes {
		fmt.Fprintf(&s.out, ", route %s", r.Name)
	}
	if len(split.Retired) > 0 {
		fmt.Fprintf(&s.out, ", retired %s", strings.Join(split.Retired, " "))
	}
	for _, m := range split.Former {
		fmt.Fprintf(&s.out, ", former %s", strings.Join(append([]string{m.Canary}, m.Beside...), "+"))
	}
	if msg := s.state.Message(s.spec); msg != "" {
		fmt.Fprintf(&s.out, ": %s", msg)
	}
	s.out.WriteString("\n")
}

// readSteps reads steps as a Rollout has them, in one line: setWeight 20, pause,
// pause 1m, pause 100 requests, setHeaderRoute NAME [off], check NAME [within 1m
// [Passed]], skip WHY. A weight of another maxTrafficWeight than 100 is written as
// 5/1000.
func readSteps(text string) ([]rollout.StepSpec, error) {
	var steps []rollout.StepSpec
	for part := range strings.SplitSeq(text, ",") {
		verb, arg, _ := strings.Cut(strings.TrimSpace(part), " ")
		switch verb {
		case "":
		case "setWeight":
			w, of, ok := strings.Cut(arg, "/")
			if !ok {
				of = "100"
			}
			n, err := strconv.ParseFloat(w, 64)
			if err != nil {
				return nil, err
			}
			whole, err := strconv.ParseFloat(of, 64)
			if err != nil {
				return nil, err
			}
			steps = append(steps, setWeight(n*100/whole))
		case "pause":
			p, err := readPause(arg)
			if err != nil {
				return nil, err
			}
			steps = append(steps, rollout.StepSpec{Pause: &p})
		case "setHeaderRoute":
			name, off := strings.CutSuffix(arg, " off")
			r := rollout.ManagedRoute{Name: name, What: "header"}
			if off {
				r.What = ""
			}
			steps = append(steps, rollout.StepSpec{SetRoute: &r})
		case "check":
			name, timeout, timed := strings.Cut(arg, " within ")
			c := rollout.Check{Name: name, What: name}
			if timed {
				after, outcome, _ := strings.Cut(timeout, " ")
				d, err := time.ParseDuration(after)
				if err != nil {
					return nil, err
				}
				c.Timeout, c.OnTimeout = d, rollout.Outcome(outcome)
			}
			steps = append(steps, rollout.StepSpec{Check: &c})
		case "setCanaryScale":
			n, unit, _ := strings.Cut(arg, " ")
			sc := rollout.Scale{By: rollout.ByReplicas}
			if unit == "percent" {
				sc.By = rollout.ByWeight
			}
			if n == "matchTrafficWeight" {
				sc, n = rollout.Scale{}, "0"
			}
			count, err := strconv.Atoi(n)
			if err != nil {
				return nil, err
			}
			sc.N = int32(count)
			steps = append(steps, rollout.StepSpec{Scale: &sc})
		case "skip":
			steps = append(steps, rollout.StepSpec{Skip: arg})
		default:
			return nil, fmt.Errorf("%q is no step", part)
		}
	}
	return steps, nil
}

func readPause(arg string) (p rollout.PauseSpec, err error) {
	if n, ok := strings.CutSuffix(arg, " requests"); ok {
		p.Requests, err = strconv.ParseUint(n, 10, 64)
		return p, err
	}
	if arg != "" {
		p.Duration, err = time.ParseDuration(arg)
	}
	return p, err
}
