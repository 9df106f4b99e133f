package analysis_test

import (
	"fmt"

	"github.com/serin-mesh/serin/analysis"
)

// A canary at 20% of the traffic begins to fail every request.
func ExampleErrorRate() {
	guard := analysis.NewErrorRate(analysis.Config{
		Alpha:        analysis.DefaultAlpha,
		Margin:       analysis.DefaultMargin,
		MaxIncrease:  analysis.DefaultMaxIncrease,
		PlannedSteps: 2,
	})
	guard.Hosts(2)
	for i := range 7 {
		guard.Requests(float64(100+i), float64(400+4*i), true)
		guard.Failure(analysis.Failure{Canary: true, Weight: 0.2, Host: fmt.Sprintf("10.0.0.%d:80", 1+i%2)})
	}
	r := guard.Verdict()
	fmt.Println(r.Verdict, r.Since.CanaryFailures, r.Evidence >= r.Threshold)
	// Output: harm 7 true
}

// How many canary requests a plan needs to see a given harm at all.
func ExampleFloor() {
	const weight = 0.1
	requests := analysis.Floor(analysis.DefaultAlpha, weight, analysis.DefaultMargin, 0.005, 0.055)
	fmt.Printf("%.0f\n", weight*requests)
	// Output: 158
}
