package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// demoReport is what a demo measured.
type demoReport struct {
	good, bad actReport
	total     lab.Counts // of the whole demo, its start and its pauses too
}

// actReport is what one rollout of a demo measured.
type actReport struct {
	took   time.Duration     // from the change of the file to the end of the rollout
	status api.RolloutStatus // in which it ended
	counts lab.Counts        // what the clients saw, until some time after

	// Of the bad version: when its first bad answer went out, when the last
	// request came to it, and how many it failed.
	firstBad, lastRequest time.Time
	failed                uint64
}

// reaction is how long the bad version failed requests: from its first bad
// answer to the last request that any Envoy sent to it.
func (a actReport) reaction() time.Duration { return a.lastRequest.Sub(a.firstBad) }

// decided is how long after the first bad answer the abort was decided; false
// when there was no abort.
func (a actReport) decided() (time.Duration, bool) {
	if a.status.AbortedAt == nil {
		return 0, false
	}
	return a.status.AbortedAt.Sub(a.firstBad), true
}

// others counts the failures that were not the doing of one version.
func others(c lab.Counts, version string) uint64 { return c.Failed - c.ByVersion[version].Failed }

// promoted reports whether a rollout ended with the version as the stable one.
func promoted(st api.RolloutStatus, version string) bool {
	return st.Phase == api.PhaseHealthy && st.StableRS == version && !st.Abort
}

// harm gives the evidence that found harm, if there is any.
func harm(st api.RolloutStatus) (api.Evidence, bool) {
	for _, e := range st.Evidence {
		if e.Verdict == api.VerdictHarm {
			return e, true
		}
	}
	return api.Evidence{}, false
}

// problems lists what was not as it must be.
func (r demoReport) problems() []error {
	var out []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			out = append(out, fmt.Errorf(format, args...))
		}
	}
	must(promoted(r.good.status, goodOne), "%s is good and was not promoted: it is %s, %s",
		goodOne, r.good.status.Phase, r.good.status.Message)
	must(r.good.counts.Failed == 0, "%d requests failed while %s was rolled out: %s",
		r.good.counts.Failed, goodOne, failures(r.good.counts))
	must(r.good.counts.ByVersion[goodOne].Requests > 0, "no request reached %s", goodOne)
	st := r.bad.status
	must(st.Abort && st.Phase == api.PhaseDegraded && st.StableRS == goodOne,
		"%s fails and was not rolled back: it is %s, stable is %s, %s", badOne, st.Phase, st.StableRS, st.Message)
	_, found := harm(st)
	must(found, "%s was not taken out by the guard", badOne)
	must(r.bad.failed > 0, "no request reached %s", badOne)
	must(others(r.bad.counts, badOne) == 0, "%d requests failed beside those that %s failed: %s",
		others(r.bad.counts, badOne), badOne, failures(r.bad.counts))
	return out
}

// failures says what kinds of failures there were.
func failures(c lab.Counts) string {
	var parts []string
	for _, version := range slices.Sorted(maps.Keys(c.ByVersion)) {
		if n := c.ByVersion[version].Failed; n > 0 {
			parts = append(parts, fmt.Sprintf("%d answered by %s", n, firstOf(version, "no version")))
		}
	}
	if c.Errors > 0 && c.LastError != nil {
		parts = append(parts, "the last without an answer: "+oneLine(c.LastError.Error()))
	}
	return strings.Join(parts, ", ")
}

// text gives the figures for a reader.
func (r demoReport) text() string {
	var b strings.Builder
	b.WriteString("\nMeasured\n")
	fmt.Fprintf(&b, "  %-34s %9s %9s\n", "", "requests", "failed")
	row := func(name string, t lab.Tally) { fmt.Fprintf(&b, "  %-34s %9d %9d\n", name, t.Requests, t.Failed) }
	row(goodOne+" rolled out", r.good.counts.Tally)
	row("  of these, answered by "+goodOne, r.good.counts.ByVersion[goodOne])
	row(badOne+" rolled out and back", r.bad.counts.Tally)
	row("  of these, answered by "+badOne, r.bad.counts.ByVersion[badOne])
	row("in all", r.total.Tally)
	fmt.Fprintf(&b, "\n  %s: promoted %s after the file changed.\n", goodOne, r.good.took.Round(100*time.Millisecond))
	b.WriteString(r.bad.text())
	return b.String()
}

// text says how the bad version was taken out.
func (a actReport) text() string {
	if a.failed == 0 {
		return ""
	}
	v := &view{width: defaultWidth}
	v.line("  %s: %d responses failed.", badOne, a.failed)
	v.text(reportIndent, fmt.Sprintf("From the first of them to the last request that any Envoy sent to %s: %s.",
		badOne, millis(a.reaction())))
	if d, ok := a.decided(); ok {
		v.text(reportIndent, fmt.Sprintf("The guard had its evidence %s after the first of them.", millis(d)))
	}
	if e, ok := harm(a.status); ok {
		v.text(reportIndent, "It says: "+e.Message)
	}
	return v.b.String()
}

// reportIndent stands before what explains a figure.
const reportIndent = "      "

// millis gives a length of time in milliseconds.
func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
