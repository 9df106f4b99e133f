package api

import (
	"net/url"
	"regexp"
	"strings"
)

// provider checks where a metric's values come from.
func (c *checker) provider(m *MetricProvider, p path) {
	kinds := m.Kinds()
	if len(kinds) != 1 {
		c.at(CodeProviders, p, "the metric has %d providers; write exactly one of "+
			"envoy, prometheus, web, kayenta and job", len(kinds))
		return
	}
	at := p.with(kinds[0])
	switch kinds[0] {
	case "prometheus":
		c.prometheus(m.Prometheus, at)
	case "web":
		c.webMetric(m.Web, at)
	case "kayenta":
		c.kayenta(m.Kayenta, at)
	case "job":
		c.job(m.Job, at)
	case "envoy":
		c.envoy(m.Envoy, at)
	default:
		c.at(CodeRefusedProvider, at, "Serin does not run the provider %s; ask its HTTP API with web and a jsonPath", kinds[0])
	}
}

// prometheus checks a question to a Prometheus server.
func (c *checker) prometheus(m *PrometheusMetric, p path) {
	if m.Address == "" {
		c.at(CodeDoubtful, p.with("address"), "there is no address, so without serve --prometheus each measurement is an error; add the server's, such as http://prometheus:9090")
	} else {
		c.askable(m.Address, p.with("address"))
	}
	if m.Query == "" {
		c.at(CodeDoubtful, p.with("query"), "there is no query, so each measurement is an error; add one")
	}
	if m.Timeout != nil && *m.Timeout < 0 {
		c.at(CodeMetricNumber, p.with("timeout"), "the timeout is a number of seconds, 0 or more, not %d", *m.Timeout)
	}
	if m.RangeQuery != nil {
		c.duration(m.RangeQuery.Step, p.with("rangeQuery", "step"))
	}
	c.headers(m.Headers, p.with("headers"))
	c.authentication(m.Authentication, p.with("authentication"))
}

// webMetric checks a question over HTTP.
func (c *checker) webMetric(m *WebMetric, p path) {
	if m.URL == "" {
		c.at(CodeMissing, p.with("url"), "there is nothing to ask; add url")
	} else {
		c.askable(m.URL, p.with("url"))
	}
	c.web(m, p)
}

// httpMethod is what HTTP allows as a method, in capitals.
var httpMethod = regexp.MustCompile("^[A-Z]+$")

// web checks what goes with a request, but for the address.
func (c *checker) web(m *WebMetric, p path) {
	hasBody := m.Body != "" || m.JSONBody != nil
	switch {
	case m.Method != "" && !httpMethod.MatchString(m.Method):
		c.at(CodeDoubtful, p.with("method"), "%q is no method, so each request is an error; write GET, POST or PUT", shorten(m.Method))
	case m.Body != "" && m.JSONBody != nil:
		c.at(CodeDoubtful, p.with("body"), "body and jsonBody are both there, so each request is an error; remove one")
	case hasBody && (m.Method == "" || m.Method == "GET"):
		c.at(CodeDoubtful, p, "a request with a body needs a method other than GET, or it is an error; write method: POST")
	}
	if m.TimeoutSeconds < 0 {
		c.at(CodeMetricNumber, p.with("timeoutSeconds"), "the timeout must be 0 or more, not %d", m.TimeoutSeconds)
	}
	c.headers(m.Headers, p.with("headers"))
	c.authentication(m.Authentication, p.with("authentication"))
}

// askable notes an address that no request can go to.
func (c *checker) askable(address string, p path) {
	if !strings.Contains(address, "{{") && !isWebURL(address) {
		c.at(CodeDoubtful, p, "%q is no address to ask, so each measurement is an error; write http(s)://HOST...", shorten(address))
	}
}

// isWebURL reports whether a text is an absolute address of HTTP.
func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// headers checks the headers of a request.
func (c *checker) headers(headers []WebHeader, p path) {
	for i, h := range headers {
		if !strings.Contains(h.Key, "{{") && !headerName.MatchString(h.Key) {
			c.at(CodeDoubtful, p.with(i, "key"), "%q is no name of a header, so each request is an error; write one such as x-token", shorten(h.Key))
		}
	}
}

// authentication checks that one way to say who asks is complete.
func (c *checker) authentication(a *Authentication, p path) {
	if a == nil {
		return
	}
	if a.Sigv4 != nil && a.OAuth2 != nil {
		c.at(CodeDoubtful, p, "sigv4 and oauth2 are both there; remove one")
	}
	if o := a.OAuth2; o != nil && (o.TokenURL == "" || o.ClientID == "" || o.ClientSecret == "") {
		c.at(CodeDoubtful, p.with("oauth2"), "oauth2 needs tokenUrl, clientId and clientSecret, or each request is an error")
	}
}

// kayenta checks a question to a Kayenta server, or to the judge in process.
func (c *checker) kayenta(m *KayentaMetric, p path) {
	if m.InProcess() {
		c.kayentaJudge(m, p)
		return
	}
	if m.Strict {
		c.at(CodeValue, p.with("strict"), "strict is of the judge in this process only; remove it, or add config and series")
	}
	for _, field := range []struct{ name, value string }{
		{"address", m.Address}, {"application", m.Application}, {"canaryConfigName", m.CanaryConfigName},
		{"metricsAccountName", m.MetricsAccountName}, {"storageAccountName", m.StorageAccountName},
	} {
		if field.value == "" {
			c.at(CodeDoubtful, p.with(field.name), "there is no %s, so each measurement is an error; add it", field.name)
		}
	}
	if len(m.Scopes) == 0 {
		c.at(CodeDoubtful, p.with("scopes"), "there is no scope, so nothing is compared; add scopes")
	}
	if t := m.Threshold; t.Marginal > t.Pass || t.Pass > 100 || t.Marginal < 0 {
		c.at(CodeDoubtful, p.with("threshold"), "the scores must be 0 to 100 and pass not below marginal, not %d and %d", t.Pass, t.Marginal)
	}
}

// job checks what a measurement runs.
func (c *checker) job(m *JobMetric, p path) {
	switch {
	case len(m.Command) > 0:
		c.at(CodeJob, p, "commands are off unless Serin is started with them allowed; while they are, each measurement is an error")
	case m.Spec == nil:
		c.at(CodeMissing, p, "the job says nothing to run; add command, or the spec of a Kubernetes Job")
	default:
		c.at(CodeJob, p, "a Kubernetes Job runs in a cluster only, so for files each measurement is an error; "+
			"add command, which runs beside Serin where that is allowed")
	}
}

// envoy checks what is read of the proxies' reports.
func (c *checker) envoy(m *EnvoyMetric, p path) {
	switch m.Metric {
	case EnvoyErrorRatio, EnvoyRequestRate, EnvoyLatencyQuantile, EnvoyOverflow, EnvoyConnections:
	default:
		c.at(CodeEnvoyMetric, p.with("metric"), "unknown metric %q; write %s, %s, %s, %s or %s", shorten(string(m.Metric)),
			EnvoyErrorRatio, EnvoyRequestRate, EnvoyLatencyQuantile, EnvoyOverflow, EnvoyConnections)
		return
	}
	if m.Version != "" && m.Version != EnvoyCanary && m.Version != EnvoyStable && !strings.Contains(m.Version, "{{") {
		c.at(CodeEnvoyMetric, p.with("version"), "unknown version %q; write canary or stable", shorten(m.Version))
	}
	switch of := m.Metric == EnvoyLatencyQuantile; {
	case of && m.Quantile == nil:
		c.at(CodeEnvoyMetric, p.with("quantile"), "%s needs a quantile, such as 0.99", m.Metric)
	case !of && m.Quantile != nil:
		c.at(CodeEnvoyMetric, p.with("quantile"), "%s has no quantile; remove it", m.Metric)
	case of && !(*m.Quantile > 0 && *m.Quantile < 1):
		c.at(CodeEnvoyMetric, p.with("quantile"), "the quantile must be above 0 and below 1, such as 0.99, not %v", *m.Quantile)
	}
	c.envoyWindow(m, p)
}
