package run

import "github.com/serin-mesh/serin/api"

// Value is what a provider measured.
type Value struct {
	// Result is what conditions see as `result`: a float64, a []float64, or
	// anything that JSON can be. Nil and an empty slice are no data.
	Result any
	// Text is how the status shows the value.
	Text string
	// Phase is set by a provider that judges by itself, as a job does. Then the
	// metric's conditions are not asked.
	Phase api.AnalysisPhase
	// Message says something about the value, such as why it is inconclusive.
	Message string
	// Metadata goes to the measurement's, About to the metric's.
	Metadata, About map[string]string
}

// Result is a measurement that ended.
type Result struct {
	Phase           api.AnalysisPhase // completed
	Value, Message  string
	Metadata, About map[string]string
	// Unusable says that the metric cannot be measured at all, as with an
	// argument that has no value: the run ends at once, as an error.
	Unusable bool
}

// Judge makes the result of a measurement: of a value by the metric's
// conditions, of an error as such. The metric is one that [Resolve] gave, with
// its secrets to keep out of the result. Texts over 1,000 bytes are cut in the
// middle.
func Judge(metric api.Metric, v Value, err error, secrets Secrets) Result {
	r := Result{Phase: v.Phase, Value: v.Text, Message: v.Message, Metadata: v.Metadata, About: v.About}
	if err == nil && r.Phase == "" {
		r.Phase, r.Message, err = evaluate(metric, v.Result, r.Message)
	}
	if err != nil {
		r.Phase, r.Message = api.AnalysisError, err.Error()
	}
	return secrets.clean(r)
}

// Unusable makes the result of a metric that cannot be resolved.
func Unusable(err error, secrets Secrets) Result {
	return secrets.clean(Result{Phase: api.AnalysisError, Message: err.Error(), Unusable: true})
}
