package analysis

import "math"

// Limit gives the fewest requests, to both versions together and on average,
// that any test needs to find a canary that fails with probability p1 where
// stable fails with p0, at canary weight w (0 to 1), if it sees the outcome of
// every request, always finds it in the end and stops a good one with
// probability alpha at most. It is +Inf where p1 equals p0. The canary's own
// requests are w times that.
func Limit(alpha, w, p0, p1 float64) float64 {
	mean := w*p1 + (1-w)*p0
	information := entropy(mean) - w*entropy(p1) - (1-w)*entropy(p0)
	return -math.Log(alpha) / max(information, 0)
}

// Floor gives the same for a test that sees failures only and tolerates a
// margin: the least that the guard could need. It is +Inf where the canary is
// within the margin.
func Floor(alpha, w, margin, p0, p1 float64) float64 {
	mean := w*p1 + (1-w)*p0
	edge := w * (1 + margin) / (1 + w*margin)
	actual := w * p1 / mean
	if mean == 0 || actual <= edge {
		return math.Inf(1)
	}
	return -math.Log(alpha) / (mean * divergence(actual, edge))
}

// entropy of a yes with probability p, in nats.
func entropy(p float64) float64 { return -xlog(p, p) - xlog(1-p, 1-p) }

// divergence of a yes with probability p from one with q, in nats
// (Kullback-Leibler).
func divergence(p, q float64) float64 { return xlog(p, p/q) + xlog(1-p, (1-p)/(1-q)) }

// xlog is x times the logarithm of y, and 0 at x = 0.
func xlog(x, y float64) float64 {
	if x == 0 {
		return 0
	}
	return x * math.Log(y)
}
