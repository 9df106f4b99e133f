package api

import (
	"encoding/json"
	"strings"
	"time"
)

// kayentaJudge checks a canary config and the series for it. What else the
// config says is the judge's to understand: Kayenta's configs have fields that
// no judge reads.
func (c *checker) kayentaJudge(m *KayentaMetric, p path) {
	for _, field := range []struct{ name, value string }{
		{"address", m.Address}, {"application", m.Application}, {"canaryConfigName", m.CanaryConfigName},
		{"metricsAccountName", m.MetricsAccountName}, {"configurationAccountName", m.ConfigurationAccountName},
		{"storageAccountName", m.StorageAccountName},
	} {
		if field.value != "" {
			c.at(CodeValue, p.with(field.name), "%s is of a Kayenta server, and config of the judge in this process; remove one of them", field.name)
		}
	}
	if m.Threshold != (KayentaThreshold{}) {
		c.at(CodeValue, p.with("threshold"), "the thresholds of a config are its own; write classifier.scoreThresholds in config")
	}
	if len(m.Scopes) > 0 || m.Lookback {
		c.at(CodeValue, p, "scopes and lookback are of a Kayenta server; write series, whose queries say what is compared")
	}
	names, ok := c.kayentaConfig(m.Config, p.with("config"))
	c.kayentaSeries(m.Series, names, ok, p.with("series"))
}

// kayentaConfig checks the metrics of a canary config and gives their names;
// false where it cannot be said which there are.
func (c *checker) kayentaConfig(text json.RawMessage, p path) (map[string]bool, bool) {
	if len(text) == 0 || string(text) == "null" {
		c.at(CodeMissing, p, "there is no canary config for the series; add one, as Kayenta's API has it")
		return nil, false
	}
	var config struct {
		Metrics []struct {
			Name string `json:"name"`
		} `json:"metrics"`
	}
	if json.Unmarshal(text, &config) != nil {
		c.at(CodeWrongType, p, "it is no canary config, an object with a list of metrics and their names")
		return nil, false
	}
	if len(config.Metrics) == 0 {
		c.at(CodeMissing, p, "the canary config has no metrics; add some")
		return nil, false
	}
	names := map[string]bool{}
	for i, m := range config.Metrics {
		switch at := p.with("metrics", i, "name"); {
		case m.Name == "":
			c.at(CodeMissing, at, "the metric has no name; add one")
		case names[m.Name]:
			c.at(CodeMetricTwice, at, "two metrics have the name %q; rename one", shorten(m.Name))
		}
		names[m.Name] = true
	}
	return names, true
}

// kayentaSeries checks where the values of a config's metrics come from, if it
// is known which there are.
func (c *checker) kayentaSeries(series []KayentaSeries, metrics map[string]bool, known bool, p path) {
	given := map[string]bool{}
	for i := range series {
		s, at := &series[i], p.with(i)
		switch {
		case s.Name == "":
			c.at(CodeMissing, at.with("name"), "the series has no name; write that of a metric of the config")
		case given[s.Name]:
			c.at(CodeMetricTwice, at.with("name"), "two series have the name %q; remove one", shorten(s.Name))
		case known && !metrics[s.Name] && !strings.Contains(s.Name, "{{"):
			c.at(CodeValue, at.with("name"), "no metric of the config has the name %q; correct it, or remove the series", shorten(s.Name))
		}
		given[s.Name] = true
		c.seriesProvider(s.Control, at.with("control"))
		c.seriesProvider(s.Experiment, at.with("experiment"))
	}
	for name := range metrics {
		if !given[name] && !strings.Contains(name, "{{") {
			c.at(CodeMissing, p, "there are no series for the metric %q of the config; add {name, control, experiment}", shorten(name))
		}
	}
}

// seriesProvider checks where one side of a series comes from.
func (c *checker) seriesProvider(s SeriesProvider, p path) {
	m := s.Provider()
	if len(m.Kinds()) != 1 {
		c.at(CodeProviders, p, "a series comes from one place, not from %d; write exactly one of prometheus, web and envoy", len(m.Kinds()))
		return
	}
	c.provider(&m, p)
	switch {
	case m.Prometheus != nil && m.Prometheus.RangeQuery == nil:
		c.at(CodeDoubtful, p.with("prometheus"), "without a rangeQuery there is one value, which the judge cannot compare; add rangeQuery: {start, end, step}")
	case m.Envoy != nil && m.Envoy.Step == "":
		c.at(CodeDoubtful, p.with("envoy"), "without a step there is one value, which the judge cannot compare; add step, such as 10s")
	}
}

// envoyWindow checks how far back is looked, and the parts of that.
func (c *checker) envoyWindow(m *EnvoyMetric, p path) {
	c.duration(m.Window, p.with("window"))
	c.duration(m.Step, p.with("step"))
	window, err := m.Window.Duration()
	if err != nil || m.Window.Open() {
		return
	}
	if window > MostEnvoyWindow {
		c.at(CodeEnvoyMetric, p.with("window"), "reports are kept for %s at most, not for %s", inMinutes(MostEnvoyWindow), m.Window)
		return
	}
	length, _ := m.Length()
	switch step, err := m.Step.Duration(); {
	case err != nil || m.Step == "" || m.Step.Open() || step < 0:
	case m.Metric == EnvoyConnections:
		c.at(CodeEnvoyMetric, p.with("step"), "%s are those of now; remove step", m.Metric)
	case step == 0 || step > length:
		c.at(CodeEnvoyMetric, p.with("step"), "the step must be above 0 and at most the window, %s, not %s", length, m.Step)
	case length/step > MostEnvoySteps:
		c.at(CodeEnvoyMetric, p.with("step"), "the window has %d steps; make them longer, so that there are at most %d", length/step, MostEnvoySteps)
	}
}

// inMinutes writes a length of time without the zeros that Go adds.
func inMinutes(d time.Duration) string { return strings.TrimSuffix(d.String(), "0s") }
