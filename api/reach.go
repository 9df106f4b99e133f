package api

// Reach says how long it takes to see a harm: a canary that fails more often
// than stable, from now on, at one weight and so many requests a second. Numbers
// that are absent say that it cannot be seen there.
type Reach struct {
	Harm   string  `json:"harm"`   // +5 points, or total failure
	Weight float64 `json:"weight"` // the canary's, percent
	Rate   float64 `json:"rate"`   // requests a second, to both versions together
	// Least is what any test of failures with the guard's promise needs, Expected
	// what the guard is expected to need: requests to both versions, and seconds.
	LeastRequests    *float64 `json:"leastRequests,omitempty"`
	ExpectedRequests *float64 `json:"expectedRequests,omitempty"`
	LeastSeconds     *float64 `json:"leastSeconds,omitempty"`
	ExpectedSeconds  *float64 `json:"expectedSeconds,omitempty"`
}
