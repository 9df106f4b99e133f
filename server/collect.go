package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/serin-mesh/serin/api"
)

// collectRollout tells the values of one Rollout.
func collectRollout(ch chan<- prometheus.Metric, r *api.Rollout) {
	key, st := r.Key(), r.Status
	put := func(d *prometheus.Desc, value float64, more ...string) {
		gauge(ch, d, value, append([]string{key.Namespace, key.Name}, more...)...)
	}
	weights := st.Canary.Weights
	put(descWeight, weights.Canary.Weight, weights.Canary.PodTemplateHash, "canary")
	put(descWeight, weights.Stable.Weight, weights.Stable.PodTemplateHash, "stable")
	for _, w := range weights.Additional {
		put(descWeight, w.Weight, w.PodTemplateHash, "additional")
	}
	for _, phase := range phases {
		put(descPhase, oneIf(st.Phase == phase), string(phase))
	}
	put(descStep, float64(st.CurrentStepIndex))
	put(descSteps, float64(len(r.Steps())))
	for _, n := range []struct {
		state string
		count int
	}{
		{"connected", st.Fleet.Connected}, {"acked", st.Fleet.Acked}, {"rejected", st.Fleet.Rejected},
		{"quarantined", st.Fleet.Quarantined}, {"away", st.Fleet.Away},
	} {
		put(descRolloutEnvoys, float64(n.count), n.state)
	}
	for version, counts := range st.Observed {
		put(descRequests, float64(counts.Requests), version)
		put(descErrors, float64(counts.Errors), version)
	}
	for _, e := range st.Evidence {
		put(descEvidence, e.Evidence, e.Metric, e.Judge)
		put(descThreshold, e.Threshold, e.Metric, e.Judge)
	}
}

// collectFleet tells how many Envoys each Gateway has, by state, and how many
// rejections there are. A state without Envoys is told as 0, so that an alert
// sees it end.
func collectFleet(ch chan<- prometheus.Metric, envoys []api.Envoy) {
	type at struct {
		gateway string
		state   api.EnvoyState
	}
	states := map[at]int{}
	rejections := map[string]int{}
	for _, e := range envoys {
		for _, state := range []api.EnvoyState{api.EnvoyConnected, api.EnvoyAway, api.EnvoyQuarantined} {
			states[at{e.Gateway, state}] += 0
		}
		states[at{e.Gateway, e.State}]++
		rejections[e.Gateway] += 0
		for _, t := range e.Types {
			if len(t.Rejected) > 0 || t.Message != "" {
				rejections[e.Gateway]++
			}
		}
	}
	for key, n := range states {
		gauge(ch, descEnvoys, float64(n), key.gateway, string(key.state))
	}
	for gateway, n := range rejections {
		gauge(ch, descRejections, float64(n), gateway)
	}
}

// collectFindings tells how many errors and warnings the configuration has.
func collectFindings(ch chan<- prometheus.Metric, findings []api.Finding) {
	errs := 0
	for _, f := range findings {
		if f.IsError() {
			errs++
		}
	}
	gauge(ch, descFindings, float64(errs), "error")
	gauge(ch, descFindings, float64(len(findings)-errs), "warning")
}

// oneIf gives a truth as a value.
func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
