package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/serin-mesh/serin/api"
)

// rolloutTable writes one line for each Rollout.
func rolloutTable(w io.Writer, list []*api.Rollout, namespaces, wide bool) error {
	head := []string{onlyIf(namespaces, "NAMESPACE"), "NAME", "PHASE", "STEP", "WEIGHT", "ACKED", "STABLE", "VERSION",
		"NEXT", onlyIf(wide, "OBSERVED"), onlyIf(wide, "ERRORS"), onlyIf(wide, "EVIDENCE"), "MESSAGE"}
	now := time.Now()
	var rows [][]string
	for _, r := range list {
		st := r.Status
		version := st.Canary.Weights.Canary.PodTemplateHash
		counts := st.Observed[version]
		rows = append(rows, []string{
			r.Key().Namespace, r.Name, string(st.Phase), stepText(r), percentText(st.Canary.Weights.Canary.Weight),
			ackedText(st.Fleet), st.StableRS, st.CurrentPodHash, nextText(st.NextTransitionAt, now),
			percentText(100 * counts.Share), errorText(counts), evidenceText(st.Evidence), st.Message,
		})
	}
	return grid(w, head, rows)
}

// stepText gives how many steps are over, of how many.
func stepText(r *api.Rollout) string {
	return fmt.Sprintf("%d/%d", r.Status.CurrentStepIndex, len(r.Steps()))
}

// ackedText gives how many Envoys have the weights now wanted, of how many.
func ackedText(f api.FleetStatus) string { return fmt.Sprintf("%d/%d", f.Acked, f.Connected) }

// percentText gives a percentage with up to two decimals.
func percentText(p float64) string {
	text := fmt.Sprintf("%.2f", p)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".") + "%"
}

// errorText gives the errors of a version and their share of its requests.
func errorText(c api.VersionCounts) string {
	if c.Requests == 0 {
		return fmt.Sprint(c.Errors)
	}
	return fmt.Sprintf("%d (%s)", c.Errors, percentText(100*float64(c.Errors)/float64(c.Requests)))
}

// evidenceText gives the verdict that matters most, with its numbers.
func evidenceText(list []api.Evidence) string {
	if len(list) == 0 {
		return ""
	}
	worst := slices.MaxFunc(list, func(a, b api.Evidence) int {
		return cmp.Compare(evidencePart(a), evidencePart(b))
	})
	return fmt.Sprintf("%s %s/%s", worst.Verdict, numberText(worst.Evidence), numberText(worst.Threshold))
}

// nextText gives how long it is until something happens by itself.
func nextText(at *time.Time, now time.Time) string {
	if at == nil {
		return ""
	}
	return "in " + spanText(at.Sub(now))
}

// spanText gives a length of time in full seconds.
func spanText(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	text := d.String()
	if d >= time.Minute && d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d >= time.Hour && d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
