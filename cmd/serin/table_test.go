package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
)

// table gives what a table function writes, with a line break before it.
func table(t *testing.T, write func(b *strings.Builder) error) string {
	t.Helper()
	var b strings.Builder
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return "\n" + b.String()
}

// TestRolloutTable shows the columns of the list.
func TestRolloutTable(t *testing.T) {
	waiting := canaryAt20()
	waiting.Status.NextTransitionAt = nil
	waiting.Status.Message = "one\nline\x1b[2J"
	list := []*api.Rollout{waiting, stableAtV1()}
	tests := []struct {
		name             string
		namespaces, wide bool
		want             string
	}{
		{"short", false, false, `
NAME  PHASE    STEP  WEIGHT  ACKED  STABLE  VERSION  NEXT  MESSAGE
shop  Paused   1/3   20%     1/2    v1      v2       -     one line [2J
shop  Healthy  3/3   0%      0/0    v1      v1       -     -
`},
		{"everything", true, true, `
NAMESPACE  NAME  PHASE    STEP  WEIGHT  ACKED  STABLE  VERSION  NEXT  OBSERVED  ERRORS      EVIDENCE                MESSAGE
default    shop  Paused   1/3   20%     1/2    v1      v2       -     19.79%    30 (2.43%)  inconclusive 44.7/2000  one line [2J
default    shop  Healthy  3/3   0%      0/0    v1      v1       -     0%        0           -                       -
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := table(t, func(b *strings.Builder) error { return rolloutTable(b, list, tt.namespaces, tt.wide) })
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestFleetTable shows Envoys in each state.
func TestFleetTable(t *testing.T) {
	at := viewedAt
	status := func(sent, acked string, more ...string) api.TypeStatus {
		s := api.TypeStatus{Sent: sent, Acked: acked, Resources: 3}
		if len(more) > 0 {
			s.Rejected, s.Message = more[:1], more[1]
		}
		return s
	}
	envoys := []api.Envoy{
		{ID: "edge-1", Gateway: "default/edge", State: api.EnvoyConnected, ConnectedSince: &at, Protocol: "delta",
			Types: map[string]api.TypeStatus{
				"clusters": status("0123456789abcdef", "0123456789abcdef"), "routes": status("b", "a"),
				"listeners": status("d", "c", "default/edge/80", "address in use"), "runtime": {},
			}},
		{ID: "edge-2", Gateway: "default/edge", State: api.EnvoyAway, LeftAt: &at, Protocol: "delta"},
		{ID: "edge-3", Gateway: "default/edge", State: api.EnvoyQuarantined},
	}
	since := at.Local().Format(time.DateTime)
	tests := []struct {
		name string
		wide bool
		want string
	}{
		{"short", false, `
ENVOY   GATEWAY       STATE        SINCE                CLUSTERS        ENDPOINTS  LISTENERS   ROUTES  RUNTIME  REJECTED
edge-1  default/edge  connected    SINCE-SINCE-SINCE-S  acked 01234567  -          rejected d  sent b  -        listeners default/edge/80: address in use
edge-2  default/edge  away         SINCE-SINCE-SINCE-S  -               -          -           -       -        -
edge-3  default/edge  quarantined  -                    -               -          -           -       -        -
`},
		{"wide", true, `
ENVOY   GATEWAY       STATE        SINCE                PROTOCOL  CLUSTERS                    ENDPOINTS  LISTENERS       ROUTES      RUNTIME  REJECTED
edge-1  default/edge  connected    SINCE-SINCE-SINCE-S  delta     acked 0123456789abcdef (3)  -          rejected d (3)  sent b (3)  -        listeners default/edge/80: address in use
edge-2  default/edge  away         SINCE-SINCE-SINCE-S  delta     -                           -          -               -           -        -
edge-3  default/edge  quarantined  -                    -         -                           -          -               -           -        -
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := table(t, func(b *strings.Builder) error { return fleetTable(b, envoys, tt.wide) })
			if diff := cmp.Diff(strings.ReplaceAll(tt.want, "SINCE-SINCE-SINCE-S", since), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestHistoryTable proves that who has proven nothing is marked.
func TestHistoryTable(t *testing.T) {
	at := viewedAt
	list := []api.JournalEntry{
		{Seq: 1, At: at, Event: "WeightSet", Actor: "serin", Version: "v2", Stable: "v1", Weight: 12.5},
		{Seq: 2, At: at, Event: "Paused", Actor: "ann@laptop", Version: "v2", Stable: "v1", Reason: "lunch"},
		{Seq: 3, At: at, Event: "Aborted", Actor: "ann", Verified: true, Version: "v2", Stable: "v1", Message: "by hand"},
	}
	want := strings.ReplaceAll(`
TIME                 EVENT      VERSION  STABLE  STEP  WEIGHT  ACTOR        REASON  MESSAGE
SINCE-SINCE-SINCE-S  WeightSet  v2       v1      0     12.5%   serin        -       -
SINCE-SINCE-SINCE-S  Paused     v2       v1      0     0%      ann@laptop?  lunch   -
SINCE-SINCE-SINCE-S  Aborted    v2       v1      0     0%      ann          -       by hand
`, "SINCE-SINCE-SINCE-S", at.Local().Format(time.DateTime))
	got := table(t, func(b *strings.Builder) error { return historyTable(b, list, false) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	wide := table(t, func(b *strings.Builder) error { return historyTable(b, list, true) })
	if !strings.HasPrefix(wide, "\nSEQ  TIME") || !strings.Contains(wide, "EVIDENCE") {
		t.Errorf("wide: got %s", wide)
	}
}

// TestNextText counts down.
func TestNextText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "in 0s", 400 * time.Millisecond: "in 0s", 32 * time.Second: "in 32s", time.Minute: "in 1m",
		70 * time.Second: "in 1m10s", 10 * time.Minute: "in 10m", time.Hour: "in 1h", time.Hour + time.Minute: "in 1h1m",
		24*time.Hour + time.Second: "in 24h0m1s",
	} {
		at := viewedAt.Add(d)
		if got := nextText(&at, viewedAt); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
	if got := nextText(nil, viewedAt); got != "" {
		t.Errorf("never: got %q", got)
	}
}

// TestEvidenceText proves that the judge nearest to its threshold is shown.
func TestEvidenceText(t *testing.T) {
	list := []api.Evidence{
		{Verdict: api.VerdictInconclusive, Evidence: 100, Threshold: 1e6}, {Verdict: api.VerdictHarm, Evidence: 50, Threshold: 20},
	}
	if got, want := evidenceText(list), "harm 50/20"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
