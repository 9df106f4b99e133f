package rollout_test

import (
	"testing"
	"time"

	"github.com/serin-mesh/serin/rollout"
)

// asking is a canary at a check of a minute, with another beside the steps.
func asking(t *testing.T) *scene {
	t.Helper()
	s := &scene{now: t0, ready: map[string]int{}}
	for _, line := range []string{"steps setWeight 20, check gate within 1m, pause", "background analysis from 0",
		"want v1", "endpoints v2 1", "want v2", "ack"} {
		if err := s.play(line); err != nil {
			t.Fatal(err)
		}
	}
	if runs := rollout.Runs(s.spec, s.state); len(runs) != 2 || runs[0].Name != "gate" || runs[1].Name != "analysis" {
		t.Fatalf("%+v is asked, want the gate and the analysis", runs)
	}
	return s
}

func TestWakeForTheTimeoutOfACheck(t *testing.T) {
	s := asking(t)
	if got, want := rollout.Wake(s.spec, s.state), t0.Add(time.Minute); !got.Equal(want) {
		t.Errorf("the machine wakes at %s, want %s", got, want)
	}
	s.tell(rollout.Checked{Run: rollout.Runs(s.spec, s.state)[0].Run, Outcome: rollout.Passed})
	if got := rollout.Wake(s.spec, s.state); !got.IsZero() {
		t.Errorf("answered, it wakes at %s, want never", got)
	}
}

// TestAnswersOfAnotherAttempt: the attempts begin at one instant.
func TestAnswersOfAnotherAttempt(t *testing.T) {
	s := asking(t)
	old := rollout.Runs(s.spec, s.state)
	for _, line := range []string{"abort", "retry", "ack"} {
		if err := s.play(line); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range old {
		s.tell(rollout.Checked{Run: w.Run, Outcome: rollout.Failed})
	}
	if !s.state.Active() || len(rollout.Runs(s.spec, s.state)) != 2 {
		t.Errorf("%+v: an answer to the attempt before was heard", s.state)
	}
}

func TestNobodyIsAskedAfterPromoteFull(t *testing.T) {
	s := asking(t)
	for _, line := range []string{"fleet 2 acked 1 waiting 1", "promote full"} {
		if err := s.play(line); err != nil {
			t.Fatal(err)
		}
	}
	if runs := rollout.Runs(s.spec, s.state); s.state.Stage != rollout.Completing || len(runs) != 0 {
		t.Errorf("stage %s, %+v is asked, want nothing", s.state.Stage, runs)
	}
}

// TestAnswersThatAreNone change nothing.
func TestAnswersThatAreNone(t *testing.T) {
	s := asking(t)
	s.tell(rollout.Checked{Run: rollout.Runs(s.spec, s.state)[0].Run, Outcome: "Maybe"})
	if len(rollout.Runs(s.spec, s.state)) != 2 {
		t.Error("an unknown outcome was taken")
	}
}
