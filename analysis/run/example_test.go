package run_test

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

// A metric that bears one failure is measured every minute, until the second.
func Example() {
	one := intstr.FromInt32(1)
	spec := api.AnalysisRunSpec{Metrics: []api.Metric{{
		Name: "success-rate", Interval: "1m", FailureLimit: &one, SuccessCondition: "result >= 0.95",
		Provider: api.MetricProvider{Web: &api.WebMetric{URL: "http://example.com/rate"}},
	}}}
	values := []float64{0.99, 0.90, 0.97, 0.91}
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

	var status api.AnalysisRunStatus
	for !run.Ended(status) {
		var tasks []run.Task
		var wake time.Time
		status, tasks, wake = run.Next(&spec, status, now)
		for _, task := range tasks {
			m, secrets, err := run.Resolve(task.Metric, spec.Args, nil)
			if err != nil {
				status = run.Measured(&spec, status, task.Metric.Name, run.Unusable(err, secrets), now)
				continue
			}
			value := run.Value{Result: values[task.Number-1], Text: fmt.Sprint(values[task.Number-1])}
			result := run.Judge(m, value, nil, secrets)
			fmt.Println(now.Format("15:04"), result.Value, result.Phase)
			status = run.Measured(&spec, status, m.Name, result, now)
		}
		if len(tasks) == 0 {
			now = wake
		}
	}
	fmt.Println(status.Phase, status.Message)
	// Output:
	// 00:00 0.99 Successful
	// 00:01 0.9 Failed
	// 00:02 0.97 Successful
	// 00:03 0.91 Failed
	// Failed Metric "success-rate" assessed Failed due to failed (2) > failureLimit (1)
}
