package provider

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/serin-mesh/serin/analysis/kayenta"
	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

// Comparison has Kayenta's judge compare series here, without a server.
type Comparison struct {
	// Config is the canary config; its own thresholds decide.
	Config *kayenta.Config
	// Sides say by the name of a metric of the config where its series come
	// from.
	Sides map[string]Sides
}

// Sides are the two series of a metric. The conditions, limits and times of
// these metrics are not used: only where their values come from, a range query
// most often.
type Sides struct {
	Control, Experiment api.Metric
}

// judges have canaries judged as Kayenta does: here, or by a server.
type judges struct {
	set    *Set
	server *kayentaServer
}

// measure judges where the metric says.
func (j *judges) measure(ctx context.Context, m api.Metric, s Subject) (run.Value, error) {
	q := m.Provider.Kayenta
	if !q.InProcess() {
		return j.server.measure(ctx, m, s)
	}
	config, err := kayenta.ParseConfig(q.Config)
	if err != nil {
		return run.Value{}, err
	}
	config.Strict = config.Strict || q.Strict
	c := Comparison{Config: config, Sides: map[string]Sides{}}
	for i := range q.Series {
		series := &q.Series[i]
		c.Sides[series.Name] = Sides{
			Control:    api.Metric{Name: series.Name, Provider: series.Control.Provider()},
			Experiment: api.Metric{Name: series.Name, Provider: series.Experiment.Provider()},
		}
	}
	for _, metric := range config.Metrics {
		if _, ok := c.Sides[metric.Name]; !ok {
			return run.Value{}, fmt.Errorf("there are no series for the metric %q of the config", metric.Name)
		}
	}
	return j.set.Compare(ctx, c, s)
}

// mostAsked is how many series are asked for at a time.
const mostAsked = 4

// Compare gets all series and judges them. The result is the score; Pass is
// Successful, Marginal and what the judge cannot judge Inconclusive, and Fail
// Failed. Series that cannot be had are an error: they are not the same as no
// data.
func (s *Set) Compare(ctx context.Context, c Comparison, about Subject) (run.Value, error) {
	type series struct{ control, experiment kayenta.Series }
	got := make([]series, len(c.Config.Metrics))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(mostAsked)
	get := func(name, side string, m api.Metric, into *kayenta.Series) {
		group.Go(func() error {
			values, err := s.series(ctx, m, about)
			if err != nil {
				return fmt.Errorf("%s of %q: %w", side, name, err)
			}
			*into = values
			return nil
		})
	}
	for i, m := range c.Config.Metrics {
		if sides, ok := c.Sides[m.Name]; ok {
			get(m.Name, "control", sides.Control, &got[i].control)
			get(m.Name, "experiment", sides.Experiment, &got[i].experiment)
		}
	}
	if err := group.Wait(); err != nil {
		return run.Value{}, fmt.Errorf("getting the series: %w", err)
	}
	data := kayenta.Data{}
	for i, m := range c.Config.Metrics {
		data[m.Name] = kayenta.Pair{Control: got[i].control, Experiment: got[i].experiment}
	}
	return judgement(kayenta.Judge(c.Config, data)), nil
}

// series gets the numbers of one side.
func (s *Set) series(ctx context.Context, m api.Metric, about Subject) (kayenta.Series, error) {
	v, err := s.Measure(ctx, m, about)
	if err != nil {
		return nil, err
	}
	switch r := v.Result.(type) {
	case nil:
		return nil, nil
	case float64:
		return kayenta.Series{r}, nil
	case []float64:
		return r, nil
	case []any:
		return numbers(r)
	}
	return nil, fmt.Errorf("measuring %q: it is %T, want numbers", m.Name, v.Result)
}

// numbers reads a JSON list of numbers; null is a missing one.
func numbers(list []any) (kayenta.Series, error) {
	out := make(kayenta.Series, len(list))
	for i, v := range list {
		switch n := v.(type) {
		case nil:
			out[i] = math.NaN()
		case float64:
			out[i] = n
		default:
			return nil, fmt.Errorf("element %d is %T, want a number", i, v)
		}
	}
	return out, nil
}

// why says what there is to know about a result, warnings included.
func why(r *kayenta.Result) string {
	var all []string
	if r.Reason != "" {
		all = append(all, r.Reason)
	}
	for _, w := range r.Warnings {
		all = append(all, "warning: "+w.String())
	}
	return strings.Join(all, "; ")
}

// judgement gives a judge's result as a value.
func judgement(r *kayenta.Result) run.Value {
	v := run.Value{Result: r.Score, Text: strconv.FormatFloat(r.Score, 'f', -1, 64), Message: why(r)}
	switch {
	case r.CannotJudge != "":
		v.Phase, v.Message = api.AnalysisInconclusive, "cannot judge: "+r.CannotJudge
	case r.Classification == kayenta.Passed:
		v.Phase = api.AnalysisSuccessful
	case r.Classification == kayenta.Failed:
		v.Phase = api.AnalysisFailed
	default:
		v.Phase = api.AnalysisInconclusive
	}
	return v
}
