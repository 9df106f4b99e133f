package run

import (
	"time"

	"github.com/serin-mesh/serin/api"
)

// LongestWindow gives the longest time that the metrics of a run look back at what the
// Envoys report; 0 where none does. What cannot be read is an error of the measurement.
func LongestWindow(spec *api.AnalysisRunSpec) time.Duration {
	var longest time.Duration
	for _, m := range spec.Metrics {
		if len(m.EnvoyMetrics()) == 0 {
			continue
		}
		// A secret has no say in how long reports are kept.
		m, _, err := Resolve(m, spec.Args, func(string, string) (string, error) { return "", nil })
		if err != nil {
			continue
		}
		length, err := api.LongestWindow(m.EnvoyMetrics())
		if err != nil {
			continue
		}
		longest = max(longest, length)
	}
	return longest
}
