package api

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAnswers has the answers that a guard counts, as they are and as they
// cannot be.
func TestAnswers(t *testing.T) {
	const at = "spec.strategy.canary.guard"
	tests := map[string]struct {
		guard string
		want  []string // CODE path: message
	}{
		"as they are": {`{errorRate: {statuses: ["500", "5xx", "429"], grpcCodes: [UNAVAILABLE, NOT_FOUND]}, clientErrors: {margin: 1, maxIncrease: 0.02, statuses: ["4XX"]}}`, nil},
		"the default": {"{clientErrors: {}}", nil},
		"unary":       {"{latency: {objective: 1s, grpc: unary}}", nil},
		"no statuses": {`{errorRate: {statuses: ["200", "6xx", "4x", "0500", ""]}, clientErrors: {statuses: []}}`, []string{
			"E209 " + at + ".clientErrors.statuses: the list is empty; leave it out for the default",
			"E209 " + at + `.errorRate.statuses[0]: "200" is no status of an error; write one from "400" to "599", "4xx" or "5xx"`,
			"E209 " + at + `.errorRate.statuses[1]: "6xx" is no status of an error; write one from "400" to "599", "4xx" or "5xx"`,
			"E209 " + at + `.errorRate.statuses[2]: "4x" is no status of an error; write one from "400" to "599", "4xx" or "5xx"`,
			"E209 " + at + `.errorRate.statuses[3]: "0500" is no status of an error; write one from "400" to "599", "4xx" or "5xx"`,
			"E209 " + at + `.errorRate.statuses[4]: "" is no status of an error; write one from "400" to "599", "4xx" or "5xx"`}},
		"no codes": {"{errorRate: {grpcCodes: [OK, unavailable]}, clientErrors: {grpcCodes: []}}", []string{
			"E209 " + at + ".clientErrors.grpcCodes: the list is empty; leave it out for the default",
			"E209 " + at + `.errorRate.grpcCodes[0]: "OK" is no gRPC code of a failure; write one such as UNAVAILABLE or NOT_FOUND`,
			"E209 " + at + `.errorRate.grpcCodes[1]: "unavailable" is no gRPC code of a failure; write one such as UNAVAILABLE or NOT_FOUND`}},
		"a number": {"{errorRate: {statuses: [500]}}", []string{"E104 " + at + `.errorRate.statuses[0]: wants a string: put it in quotes, "500"`}},
		"ranges":   {"{clientErrors: {margin: -1}}", []string{"E209 " + at + ".clientErrors.margin: the margin must be 0 to 100, such as 0.4, not -1"}},
		"calls": {"{latency: {objective: 1s, grpc: streams}}", []string{
			"E209 " + at + `.latency.grpc: unknown calls "streams"; write unary, or leave it out where calls may be streams`}},
		"calls without an objective": {"{latency: {grpc: unary}}", []string{
			"W226 " + at + ".latency.grpc: without an objective gRPC calls are compared anyway, when they have ended; remove it, or add objective"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, findings := Decode("f.yaml", []byte(rolloutHead+"  strategy:\n    canary:\n      guard: "+test.guard+"\n      steps: [{setWeight: 20}, {pause: {}}]\n"))
			var got []string
			SortFindings(findings)
			for _, f := range findings {
				got = append(got, fmt.Sprintf("%s %s: %s", f.Code, f.Path, f.Message))
				if f.Line != 8 || f.Column == 0 {
					t.Errorf("%s is at %d:%d", f.Path, f.Line, f.Column)
				}
			}
			if diff := cmp.Diff(sortedTexts(test.want), sortedTexts(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// sortedTexts gives texts in their own order.
func sortedTexts(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return out
}
