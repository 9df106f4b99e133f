package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/serin-mesh/serin/api"
)

// evidence shows a judge's verdict, and how near its evidence is to the
// threshold.
func (v *view) evidence(e api.Evidence) {
	title := map[string]string{"guard": "Guard", "prove": "Proof", "analysis": "Analysis", "experiment": "Analysis", "gate": "Gate"}[e.Judge]
	v.title(firstOf(title, e.Judge), fmt.Sprintf("%s: %s", e.Metric, e.Verdict))
	if byConditions(e) {
		v.text("  ", e.Message)
		return
	}
	v.line("  %s %s of %s", bar(evidencePart(e), max(v.width-30, 10)), numberText(e.Evidence), numberText(e.Threshold))
	v.text("  ", e.Message)
}

// byConditions says whether an evidence is of a metric that conditions judge, and
// not of a test that counts requests.
func byConditions(e api.Evidence) bool {
	return e.Judge == "analysis" || e.Judge == "experiment" || e.Judge == "gate"
}

// evidencePart says how much of the way to the threshold the evidence has gone,
// 0 to 1. The scale is logarithmic: evidence multiplies, so that equally strong
// observations are equally long steps.
func evidencePart(e api.Evidence) float64 {
	if e.Threshold <= 1 || !(e.Evidence > 1) {
		return 0
	}
	return min(math.Log(e.Evidence)/math.Log(e.Threshold), 1)
}

// numberText gives a number with three digits, and none that a reader would have
// to shift a point for, up to a million.
func numberText(x float64) string {
	if x >= 100 && x < 1e6 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

// bar draws a part of a whole, 0 to 1. What is not nothing shows, and what is
// not all leaves a gap.
func bar(part float64, width int) string {
	width = max(width, 2)
	n := int(math.Round(part * float64(width)))
	if part > 0 && part < 1 {
		n = min(max(n, 1), width-1)
	}
	n = min(max(n, 0), width)
	return strings.Repeat("█", n) + strings.Repeat("░", width-n)
}
