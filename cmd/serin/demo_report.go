package main

import (
	"errors"
	"fmt"
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
	for version, t := range c.ByVersion {
		if t.Failed > 0 {
			parts = append(parts, fmt.Sprintf("%d of %s", t.Failed, firstOf(version, "no version")))
		}
	}
	text := strings.Join(parts, ", ")
	if c.LastError != nil {
		text = errors.Join(errors.New(text+"; the last without an answer"), c.LastError).Error()
	}
	return oneLine(text)
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
	var b strings.Builder
	if a.failed == 0 {
		return ""
	}
	fmt.Fprintf(&b, "  %s: %s from its first failed response to the last request that any Envoy sent to it;\n"+
		"      %d responses failed.\n", badOne, millis(a.reaction()), a.failed)
	if d, ok := a.decided(); ok {
		fmt.Fprintf(&b, "      Of that time, %s passed until the evidence sufficed", millis(d))
		if after := a.reaction() - d; after > 0 {
			fmt.Fprintf(&b, ", and %s until nothing was sent there", millis(after))
		}
		b.WriteString(".\n")
	}
	if e, ok := harm(a.status); ok {
		fmt.Fprintf(&b, "      The guard: %s\n", oneLine(e.Message))
	}
	return b.String()
}

// millis gives a length of time in milliseconds.
func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
