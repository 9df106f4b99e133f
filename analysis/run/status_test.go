package run

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/api"
)

// started gives a run of the metrics whose first measurements are under way.
func started(t *testing.T, spec *api.AnalysisRunSpec) api.AnalysisRunStatus {
	t.Helper()
	status, tasks, wake := Next(spec, api.AnalysisRunStatus{}, zero)
	if len(tasks) != len(spec.Metrics) || !wake.IsZero() || status.Phase != api.AnalysisRunning {
		t.Fatalf("it starts with %d tasks, wakes at %v, is %s", len(tasks), wake, status.Phase)
	}
	return status
}

func TestOneMeasurementAtATime(t *testing.T) {
	spec := &api.AnalysisRunSpec{Metrics: []api.Metric{measured("m", nil)}}
	status := started(t, spec)
	status, tasks, wake := Next(spec, status, zero.Add(time.Hour))
	if len(tasks) != 0 || !wake.IsZero() {
		t.Errorf("%d tasks and %v while one is under way", len(tasks), wake)
	}
	status = Measured(spec, status, "m", results['s'], zero.Add(time.Hour))
	status, tasks, wake = Next(spec, status, zero.Add(time.Hour))
	if want := zero.Add(time.Hour + time.Minute); len(tasks) != 0 || !wake.Equal(want) {
		t.Errorf("%d tasks and %v, want none until %v: the interval begins at the end of the last", len(tasks), wake, want)
	}
	if _, tasks, _ = Next(spec, status, wake); len(tasks) != 1 || tasks[0].Number != 2 || !tasks[0].StartedAt.Equal(zero) {
		t.Errorf("tasks %+v, want the second", tasks)
	}
}

func TestWakesForTheFirst(t *testing.T) {
	late := func(d api.DurationText) func(*api.Metric) { return func(m *api.Metric) { m.InitialDelay = d } }
	spec := &api.AnalysisRunSpec{Metrics: []api.Metric{measured("a", late("90s")), measured("b", late("30s")), measured("c", late("40s"))}}
	_, tasks, wake := Next(spec, api.AnalysisRunStatus{}, zero)
	if len(tasks) != 0 || !wake.Equal(zero.Add(30*time.Second)) {
		t.Errorf("%d tasks and %v, want none and 30 s", len(tasks), wake)
	}
}

func TestLateResultsChangeNothing(t *testing.T) {
	spec := &api.AnalysisRunSpec{Metrics: []api.Metric{measured("a", nil), measured("b", nil)}}
	status := started(t, spec)
	once := Measured(spec, status, "a", results['s'], zero)
	if diff := cmp.Diff(once, Measured(spec, once, "a", results['f'], zero)); diff != "" {
		t.Errorf("a second result counts: %s", diff)
	}
	if diff := cmp.Diff(status, Measured(spec, status, "c", results['f'], zero)); diff != "" {
		t.Errorf("the result of no metric counts: %s", diff)
	}
	over := Measured(spec, status, "a", results['f'], zero)
	if !Ended(over) {
		t.Fatalf("it is %s", over.Phase)
	}
	if diff := cmp.Diff(over, Measured(spec, over, "b", results['s'], zero.Add(time.Second))); diff != "" {
		t.Errorf("a result after the end counts: %s", diff)
	}
	if again, tasks, _ := Next(spec, over, zero.Add(time.Hour)); len(tasks) != 0 || cmp.Diff(over, again) != "" {
		t.Error("an ended run goes on")
	}
	if diff := cmp.Diff(over, Stop(spec, over, zero.Add(time.Hour))); diff != "" {
		t.Errorf("an ended run is stopped: %s", diff)
	}
}

// Measurements under way when the run ends are in no status: nobody ends them.
func TestEndTakesBackWhatIsUnderWay(t *testing.T) {
	spec := &api.AnalysisRunSpec{Metrics: []api.Metric{measured("a", nil), measured("b", nil)}}
	for _, over := range []api.AnalysisRunStatus{
		Measured(spec, started(t, spec), "a", results['f'], zero),
		Stop(spec, started(t, spec), zero),
		Stop(spec, api.AnalysisRunStatus{}, zero),
	} {
		for _, m := range over.MetricResults {
			for _, one := range m.Measurements {
				if !one.Phase.Completed() || one.FinishedAt == nil {
					t.Errorf("%s has a measurement that is %s", m.Name, one.Phase)
				}
			}
			if !m.Phase.Completed() {
				t.Errorf("%s is %s", m.Name, m.Phase)
			}
		}
	}
}

func TestStop(t *testing.T) {
	spec := &api.AnalysisRunSpec{Metrics: []api.Metric{measured("a", nil)}}
	if s := Stop(spec, api.AnalysisRunStatus{}, zero); s.Phase != api.AnalysisSuccessful || s.Message != "Run Terminated" {
		t.Errorf("before its start: %s, %q", s.Phase, s.Message)
	}
	terminate := *spec
	terminate.Terminate = true
	if s, tasks, _ := Next(&terminate, started(t, spec), zero); s.Phase != api.AnalysisSuccessful || len(tasks) != 0 {
		t.Errorf("terminate in the spec: %s, %d tasks", s.Phase, len(tasks))
	}
}

func TestMessageOfTheEnd(t *testing.T) {
	spec := &api.AnalysisRunSpec{Metrics: []api.Metric{measured("a", nil)}}
	got := Measured(spec, started(t, spec), "a", results['f'], zero)
	if want := `Metric "a" assessed Failed due to failed (1) > failureLimit (0): "Error Message: too few"`; got.Message != want {
		t.Errorf("message %q, want %q", got.Message, want)
	}
	spec.DryRun = []api.DryRun{{MetricName: "a"}}
	got = Measured(spec, started(t, spec), "a", results['f'], zero)
	if want := "Metric assessed Failed due to failed (1) > failureLimit (0)"; got.Message != "" || got.MetricResults[0].Message != want {
		t.Errorf("messages %q and %q, want %q", got.Message, got.MetricResults[0].Message, want)
	}
}

func TestRetention(t *testing.T) {
	tests := []struct {
		name  string
		rules []api.MeasurementRetention
		want  int
	}{
		{"default", nil, 10},
		{"a rule", []api.MeasurementRetention{{MetricName: "m", Limit: 3}}, 3},
		{"part of the name", []api.MeasurementRetention{{MetricName: "^m|x$", Limit: 12}}, 12},
		{"the last rule holds", []api.MeasurementRetention{{MetricName: "m", Limit: 3}, {MetricName: ".", Limit: 5}}, 5},
		{"a limit of 0 is the default", []api.MeasurementRetention{{MetricName: "m"}}, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spec := api.AnalysisRunSpec{Metrics: []api.Metric{measured("metric", func(m *api.Metric) { m.FailureLimit = num(3) })}, MeasurementRetention: tt.rules}
			status, _ := play(t, spec, map[string]string{"metric": strings.Repeat("s", 19) + "f"})
			m := status.MetricResults[0]
			if len(m.Measurements) != tt.want || m.Count != 20 {
				t.Errorf("%d of %d are kept, want %d", len(m.Measurements), m.Count, tt.want)
			}
			if l := m.Measurements[len(m.Measurements)-1]; l.Phase != api.AnalysisFailed {
				t.Errorf("the last one is %s: the oldest go first", l.Phase)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	spec := &api.AnalysisRunSpec{Metrics: []api.Metric{measured("a", nil), measured("b", func(m *api.Metric) { m.InitialDelay = "10s" })}}
	status, _, _ := Next(spec, api.AnalysisRunStatus{}, zero)
	status, tasks, wake := Next(spec, Interrupted(status), zero.Add(time.Second))
	if len(tasks) != 1 || tasks[0].Metric.Name != "a" || tasks[0].Number != 1 || !wake.Equal(zero.Add(10*time.Second)) {
		t.Errorf("tasks %+v until %v, want the first of a again", tasks, wake)
	}
	status = Measured(spec, status, "a", results['s'], zero.Add(time.Second))
	if _, tasks, _ := Next(spec, Interrupted(status), zero.Add(2*time.Second)); len(tasks) != 0 {
		t.Errorf("tasks %+v, want none before the interval is over", tasks)
	}
	over := Stop(spec, status, zero)
	if diff := cmp.Diff(over, Interrupted(over)); diff != "" {
		t.Error("an ended run changes")
	}
}

func TestSpecsThatCannotRun(t *testing.T) {
	with := func(change func(*api.Metric)) []api.Metric { return []api.Metric{measured("m", change)} }
	tests := []struct {
		name, want string
		spec       api.AnalysisRunSpec
	}{
		{"no metrics", "there are no metrics", api.AnalysisRunSpec{}},
		{"two of a name", `two metrics have the name "m"`, api.AnalysisRunSpec{Metrics: append(with(nil), with(nil)...)}},
		{"no provider", "provider: there are 0", api.AnalysisRunSpec{Metrics: with(func(m *api.Metric) { m.Provider.Web = nil })}},
		{"two providers", "provider: there are 2", api.AnalysisRunSpec{Metrics: with(func(m *api.Metric) { m.Provider.Job = new(api.JobMetric) })}},
		{"no duration", `interval: "soon"`, api.AnalysisRunSpec{Metrics: with(func(m *api.Metric) { m.Interval = "soon" })}},
		{"no delay", `initialDelay: "soon"`, api.AnalysisRunSpec{Metrics: with(func(m *api.Metric) { m.InitialDelay = "soon" })}},
		{"back in time", "cannot be negative", api.AnalysisRunSpec{Metrics: with(func(m *api.Metric) { m.Interval = "-1s" })}},
		{"no number", `count: "many" is no number`, api.AnalysisRunSpec{Metrics: with(func(m *api.Metric) { m.Count = text("many") })}},
		{"a number of a secret", `count: "<k of Secret s>" is no number`, api.AnalysisRunSpec{
			Metrics: with(func(m *api.Metric) { m.Count = text("{{args.s}}") }), Args: []api.Argument{secretArg("s", "s", "k")},
		}},
		{"a negative count", "count: -1 is less than 0", api.AnalysisRunSpec{Metrics: with(func(m *api.Metric) { m.Count = num(-1) })}},
		{"a negative limit", "failureLimit: -2 is less than -1", api.AnalysisRunSpec{Metrics: with(func(m *api.Metric) { m.FailureLimit = num(-2) })}},
		{"no end", "nothing could end it badly", api.AnalysisRunSpec{Metrics: with(func(m *api.Metric) { m.FailureLimit = num(-1) })}},
		{"no interval", "count is 2 and there is no interval", api.AnalysisRunSpec{Metrics: with(func(m *api.Metric) { m.Count, m.Interval = num(2), "" })}},
		{"out of reach", "count is 2, less than failureLimit and", api.AnalysisRunSpec{Metrics: with(func(m *api.Metric) { m.Count, m.FailureLimit = num(2), num(3) })}},
		{"inconclusive out of reach", "count is 2, less than inconclusiveLimit (3)", api.AnalysisRunSpec{Metrics: with(func(m *api.Metric) { m.Count, m.InconclusiveLimit = num(2), num(3) })}},
		{"an argument", `{{args.x}}: there is no such argument`, api.AnalysisRunSpec{Metrics: with(func(m *api.Metric) { m.SuccessCondition = "{{args.x}}" })}},
		{"a dry run of nothing", `dryRun[0]: metricName "x" is in the name of no metric`, api.AnalysisRunSpec{Metrics: with(nil), DryRun: []api.DryRun{{MetricName: "x"}}}},
		{"a dry run that is no expression", "dryRun[0]: metricName: error parsing", api.AnalysisRunSpec{Metrics: with(nil), DryRun: []api.DryRun{{MetricName: "("}}}},
		{"retention of nothing", "measurementRetention[0]", api.AnalysisRunSpec{Metrics: with(nil), MeasurementRetention: []api.MeasurementRetention{{MetricName: "x"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, tasks, _ := Next(&tt.spec, api.AnalysisRunStatus{}, zero)
			if status.Phase != api.AnalysisError || len(tasks) != 0 || !strings.Contains(status.Message, tt.want) {
				t.Errorf("%s, %q; want an error, %q", status.Phase, status.Message, tt.want)
			}
		})
	}
}

// drawSpec makes up a run.
func drawSpec(t *rapid.T) api.AnalysisRunSpec {
	limit := rapid.IntRange(0, 3)
	var spec api.AnalysisRunSpec
	for i := range rapid.IntRange(1, 3).Draw(t, "metrics") {
		spec.Metrics = append(spec.Metrics, measured(string(rune('a'+i)), func(m *api.Metric) {
			m.Interval = rapid.SampledFrom([]api.DurationText{"", "5s", "20s"}).Draw(t, "interval")
			m.InitialDelay = rapid.SampledFrom([]api.DurationText{"", "7s"}).Draw(t, "delay")
			if m.Interval != "" {
				m.Count = num(rapid.SampledFrom([]int{0, 7}).Draw(t, "count"))
				m.ConsecutiveSuccessLimit = num(limit.Draw(t, "successes"))
				m.FailureLimit, m.InconclusiveLimit = num(limit.Draw(t, "failures")), num(limit.Draw(t, "inconclusive"))
			}
			m.ConsecutiveErrorLimit = num(limit.Draw(t, "errors"))
		}))
	}
	if rapid.Bool().Draw(t, "dry") {
		spec.DryRun = []api.DryRun{{MetricName: "a"}}
	}
	spec.MeasurementRetention = []api.MeasurementRetention{{MetricName: ".", Limit: int32(rapid.IntRange(1, 4).Draw(t, "kept"))}}
	return spec
}

// throughJSON gives what a status is after it was stored.
func throughJSON(t *rapid.T, status api.AnalysisRunStatus) api.AnalysisRunStatus {
	text, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	var out api.AnalysisRunStatus
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// A run whose status is stored and read at every turn goes as one that is kept,
// and each obeys the rules.
func TestTheStatusIsAllState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t)
		var kept, stored api.AnalysisRunStatus
		now, under := zero, map[string]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "turns") {
			before, _ := json.Marshal(kept)
			ended := Ended(kept)
			var next api.AnalysisRunStatus
			switch rapid.IntRange(0, 2).Draw(t, "event") {
			case 0:
				var tasks, again []Task
				var wake, same time.Time
				next, tasks, wake = Next(&spec, kept, now)
				stored, again, same = Next(&spec, throughJSON(t, stored), now)
				if len(tasks) != len(again) || !wake.Equal(same) {
					t.Fatalf("%d tasks until %v, and of the stored one %d until %v", len(tasks), wake, len(again), same)
				}
				for _, task := range tasks {
					if under[task.Metric.Name] {
						t.Fatalf("%s is measured twice at once", task.Metric.Name)
					}
					under[task.Metric.Name] = true
				}
			case 1:
				name := rapid.SampledFrom(spec.Metrics).Draw(t, "metric").Name
				result := results[rapid.SampledFrom([]rune("ssssfie")).Draw(t, "result")]
				next = Measured(&spec, kept, name, result, now)
				stored = Measured(&spec, throughJSON(t, stored), name, result, now)
				delete(under, name)
			case 2:
				next = kept
				now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second)
			}
			if after, _ := json.Marshal(kept); string(after) != string(before) {
				t.Fatalf("the status that was given changed:\n%s\n%s", before, after)
			}
			if text, _ := json.Marshal(next); ended && string(text) != string(before) {
				t.Fatalf("an ended run changed:\n%s\n%s", before, text)
			}
			kept = next
			if diff := cmp.Diff(throughJSON(t, kept), throughJSON(t, stored)); diff != "" {
				t.Fatalf("(-kept +stored):\n%s", diff)
			}
			check(t, &spec, kept)
		}
	})
}

// check says what holds of every status.
func check(t *rapid.T, spec *api.AnalysisRunSpec, status api.AnalysisRunStatus) {
	if Ended(status) != (status.CompletedAt != nil) {
		t.Fatalf("it is %s and completed at %v", status.Phase, status.CompletedAt)
	}
	for _, m := range status.MetricResults {
		if m.Count != m.Successful+m.Failed+m.Inconclusive {
			t.Fatalf("%s counts %d: %+v", m.Name, m.Count, m)
		}
		if !Ended(status) && !m.DryRun && severity[m.Phase] > 1 {
			t.Fatalf("%s is %s, and the run goes on", m.Name, m.Phase)
		}
		done := completed(m.Measurements)
		if len(done) > int(spec.MeasurementRetention[0].Limit) {
			t.Fatalf("%d measurements are kept", len(done))
		}
		for _, one := range done {
			if !one.Phase.Completed() || one.FinishedAt == nil {
				t.Fatalf("a measurement under way is not the last: %+v", m.Measurements)
			}
		}
	}
	total := status.RunSummary
	if Ended(status) && status.Phase != api.AnalysisError && total.Count != total.Successful+total.Failed+total.Inconclusive+total.Error && len(status.MetricResults) == len(spec.Metrics) {
		t.Fatalf("the summary does not add up: %+v", total)
	}
}

// What is known about a metric grows, and not in the statuses of before.
func TestMetadataOfAMetric(t *testing.T) {
	spec := &api.AnalysisRunSpec{Metrics: []api.Metric{measured("m", nil)}}
	about := func(query string) Result {
		return Result{Phase: api.AnalysisSuccessful, About: map[string]string{"query": query}, Metadata: map[string]string{"n": query}}
	}
	first := Measured(spec, started(t, spec), "m", about("a"), zero)
	again, _, _ := Next(spec, first, zero.Add(time.Minute))
	second := Measured(spec, again, "m", about("b"), zero.Add(time.Minute))
	if got := first.MetricResults[0].Metadata["query"]; got != "a" {
		t.Errorf("the status of before says %q", got)
	}
	m := second.MetricResults[0]
	if m.Metadata["query"] != "b" || m.Measurements[0].Metadata["n"] != "a" || m.Measurements[1].Metadata["n"] != "b" {
		t.Errorf("got %+v", m)
	}
}
