package server

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/serin-mesh/serin/api"
)

// scrapeTimeout bounds what a scrape asks of the control.
const scrapeTimeout = 5 * time.Second

// newMetrics makes the endpoint of the metrics, over a registry of its own.
func newMetrics(c Control, version string, log *slog.Logger) http.Handler {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "serin_build_info",
		Help:        "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	leader := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "serin_leader", Help: "Whether this server leads: 1, as any does that is alone.",
	})
	leader.Set(1)
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		build, leader,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&collector{control: c},
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandling: promhttp.HTTPErrorOnError,
	})
}

// rolloutLabels are what names a Rollout.
var rolloutLabels = []string{"namespace", "rollout"}

// describe makes the description of a metric of a Rollout.
func describe(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append(append([]string(nil), rolloutLabels...), more...), nil)
}

// The metrics of a Rollout.
var (
	descWeight = describe("serin_rollout_weight",
		"Weight wanted for a version, in percent.", "version", "role")
	descPhase = describe("serin_rollout_phase",
		"1 for the phase that the Rollout is in, 0 for the others.", "phase")
	descStep = describe("serin_rollout_step",
		"Index of the current step; the number of steps when all were played.")
	descSteps = describe("serin_rollout_steps",
		"Number of steps.")
	descRolloutEnvoys = describe("serin_rollout_envoys",
		"Envoys of the Rollout's fleet, for the weights now wanted; acked and rejected count among connected.", "state")
	descRequests = describe("serin_rollout_step_requests",
		"Requests that a version served since the step began.", "version")
	descErrors = describe("serin_rollout_step_errors",
		"Errors of a version since the step began.", "version")
	descEvidence = describe("serin_rollout_evidence",
		"Evidence of a judge that the canary does harm.", "metric", "judge")
	descThreshold = describe("serin_rollout_evidence_threshold",
		"Evidence at which the judge finds harm.", "metric", "judge")
)

// The metrics of the fleet and of the configuration.
var (
	descEnvoys = prometheus.NewDesc("serin_envoys",
		"Envoys known, by state.", []string{"gateway", "state"}, nil)
	descRejections = prometheus.NewDesc("serin_envoy_rejections",
		"Resource types whose latest version an Envoy has rejected.", []string{"gateway"}, nil)
	descFindings = prometheus.NewDesc("serin_config_findings",
		"What is wrong with the configuration as it was last read.", []string{"severity"}, nil)
)

// phases are all phases, in the order of a rollout.
var phases = []api.Phase{api.PhaseProgressing, api.PhasePaused, api.PhaseHealthy, api.PhaseDegraded}

// collector reads the state at each scrape, so that no number is kept twice.
type collector struct{ control Control }

// Describe tells all metrics. Source: prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descWeight, descPhase, descStep, descSteps, descRolloutEnvoys, descRequests, descErrors,
		descEvidence, descThreshold, descEnvoys, descRejections, descFindings,
	} {
		ch <- d
	}
}

// Collect tells all values. A control that does not answer makes the scrape
// fail, so that a gap is seen and no old number. Source: prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	rollouts, err := c.control.Rollouts(ctx, "")
	if err != nil {
		ch <- prometheus.NewInvalidMetric(descPhase, err)
		return
	}
	findings, err := c.control.Findings(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(descFindings, err)
		return
	}
	for _, r := range rollouts {
		collectRollout(ch, r)
	}
	collectFleet(ch, c.control.Envoys())
	collectFindings(ch, findings)
}

// gauge tells one value.
func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}
