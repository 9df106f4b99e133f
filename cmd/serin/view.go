package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/serin-mesh/serin/api"
)

// leastWidth is the narrowest view that is still laid out; a terminal that is
// narrower wraps it.
const leastWidth = 40

// renderRollout gives one Rollout as text, in lines of at most width columns
// where words allow it: what it does and waits for, its traffic, its steps, its
// fleet and the evidence. The last line ends with a line break.
func renderRollout(r *api.Rollout, width int) string {
	return renderRolloutAt(r, width, time.Now())
}

// renderRolloutAt is renderRollout at an instant, which the waits are told from.
func renderRolloutAt(r *api.Rollout, width int, now time.Time) string {
	v := &view{width: max(width, leastWidth), now: now}
	v.head(r)
	v.traffic(r)
	v.steps(r)
	v.fleet(r.Status.Fleet)
	for _, e := range r.Status.Evidence {
		v.evidence(e)
	}
	if len(r.Status.Findings) > 0 {
		v.title("Findings", "the folder's last change is not in force")
		for _, f := range r.Status.Findings {
			v.text("  ", f)
		}
	}
	return v.b.String()
}

// view gathers the lines of a Rollout.
type view struct {
	b     strings.Builder
	width int
	now   time.Time
}

// line adds a line.
func (v *view) line(format string, args ...any) {
	v.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// title begins a part.
func (v *view) title(name, rest string) { v.line("\n%-8s %s", name, rest) }

// text adds a text in as many lines as it needs.
func (v *view) text(indent, text string) {
	line := indent
	for word := range strings.FieldsSeq(oneLine(text)) {
		if line != indent && len([]rune(line))+len([]rune(word))+1 > v.width {
			v.line("%s", line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	if line != indent {
		v.line("%s", line)
	}
}

// head says where the Rollout stands.
func (v *view) head(r *api.Rollout) {
	st := r.Status
	note := ""
	if st.Pinned {
		note = ", pinned"
	}
	versions := st.StableRS
	if st.CurrentPodHash != st.StableRS {
		versions += " -> " + st.CurrentPodHash
	}
	v.line("%s  %s%s  %s", r.Key(), st.Phase, note, versions)
	v.text("  ", st.Message)
}

// traffic shows for each version what is wanted and what was seen since the
// step began.
func (v *view) traffic(r *api.Rollout) {
	v.line("\n%-8s %-18s %8s %9s %10s  %s", "Traffic", "", "wanted", "observed", "requests", "errors")
	weights := r.Status.Canary.Weights
	shown := map[string]bool{}
	row := func(role, version, wanted string) {
		shown[version] = true
		counts := r.Status.Observed[version]
		v.line("  %-6s %-18s %8s %9s %10d  %s", role, version, wanted,
			percentText(100*counts.Share), counts.Requests, errorText(counts))
	}
	if c := weights.Canary; c.PodTemplateHash != weights.Stable.PodTemplateHash {
		row("canary", c.PodTemplateHash, percentText(c.Weight))
	}
	for _, a := range weights.Additional {
		row("beside", a.PodTemplateHash, percentText(a.Weight))
	}
	row("stable", weights.Stable.PodTemplateHash, percentText(weights.Stable.Weight))
	for _, version := range slices.Sorted(maps.Keys(r.Status.Observed)) {
		if !shown[version] {
			row("other", version, "-")
		}
	}
	v.shares(weights)
}

// shares draws the weights wanted: the canary's part is full, stable's is not.
func (v *view) shares(w api.TrafficWeights) {
	if w.Canary.PodTemplateHash == w.Stable.PodTemplateHash {
		return
	}
	v.line("  %s", bar(w.Canary.Weight/100, v.width-4))
}

// fleet says who has accepted the weights.
func (v *view) fleet(f api.FleetStatus) {
	text := fmt.Sprintf("acked by %d of %d connected", f.Acked, f.Connected)
	for _, n := range []struct {
		count int
		what  string
	}{{f.Rejected, "rejected"}, {f.Quarantined, "quarantined"}, {f.Away, "away"}} {
		if n.count > 0 {
			text += fmt.Sprintf(", %d %s", n.count, n.what)
		}
	}
	v.title("Fleet", text)
	for _, r := range f.Rejections {
		v.text("  ", fmt.Sprintf("%s rejected its %s: %s", r.Envoy, r.Type, r.Message))
	}
}
