package provider_test

import (
	"context"
	"fmt"
	"time"

	"github.com/serin-mesh/serin/analysis/provider"
	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

// proxies report the same of every version.
type proxies struct{}

func (proxies) Windows(_ context.Context, _ api.Key, _ string, window time.Duration, parts int) ([]provider.Window, error) {
	all := make([]provider.Window, parts)
	for i := range all {
		all[i] = provider.Window{Length: window / time.Duration(parts), Requests: 1000, Errors: 7}
	}
	return all, nil
}

// What the proxies report is judged without any server.
func ExampleSet_Take() {
	set := provider.New(provider.Options{Envoy: proxies{}})
	defer set.Close()
	most := "0.01"
	task := run.Task{Metric: api.Metric{
		Name: "errors", SuccessCondition: "result < {{args.most}}",
		Provider: api.MetricProvider{Envoy: &api.EnvoyMetric{Metric: api.EnvoyErrorRatio}},
	}}
	result := set.Take(context.Background(), task, []api.Argument{{Name: "most", Value: &most}}, nil, provider.Subject{})
	fmt.Println(result.Value, result.Phase)
	// Output: 0.007 Successful
}
