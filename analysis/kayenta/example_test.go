package kayenta_test

import (
	"fmt"

	"github.com/serin-mesh/serin/analysis/kayenta"
)

// A canary whose errors rose is out, whatever else is as it was.
func ExampleJudge() {
	config, err := kayenta.ParseConfig([]byte(`{
		"metrics": [
			{"name": "errors", "groups": ["errors"], "analysisConfigurations": {"canary": {"direction": "increase", "critical": true}}},
			{"name": "cpu", "groups": ["system"]}
		],
		"classifier": {"scoreThresholds": {"pass": 95, "marginal": 75}}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := kayenta.ParseData([]byte(`{
		"errors": {"control": [1, 2, 1, 3, 2, 1], "experiment": [9, 8, 11, 10, 12, "NaN"]},
		"cpu": {"control": [50, 52, 51, 53, 54], "experiment": [51, 52, 50, 54, 53.5]}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	r := kayenta.Judge(config, data)
	fmt.Println(r.Metrics["errors"].Classification, r.Metrics["cpu"].Classification)
	fmt.Println(r.Score, r.Classification, r.Reason)
	// Output:
	// High Pass
	// 0 Fail a critical metric fails
}
