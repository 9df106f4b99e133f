package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// templateHead begins an AnalysisTemplate with one metric of the name m, whose
// further fields begin at 5:24.
const templateHead = "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: t}\nspec:\n  metrics: [{name: m,   "

// webProvider is a provider without fault.
const webProvider = "provider: {web: {url: 'http://a/b'}}"

// bare gives what is wrong with an object by itself, without the file's name.
func bare(text string) []string {
	var out []string
	for _, s := range own(text) {
		out = append(out, strings.TrimPrefix(s, "f.yaml:"))
	}
	return out
}

// TestCheckMetric has what a metric may and may not say, beside its provider.
func TestCheckMetric(t *testing.T) {
	const both = "failureCondition: result > 1, successCondition: result < 1"
	tests := map[string]struct {
		metric string
		want   []string
	}{
		"everything":       {"interval: 1m, initialDelay: 30s, count: 5, failureLimit: 2, inconclusiveLimit: 1, consecutiveErrorLimit: 4, consecutiveSuccessLimit: 3, " + both, nil},
		"from arguments":   {"interval: '{{args.i}}', count: '{{args.n}}', failureLimit: '{{args.f}}', successCondition: 'result < {{args.max}}'", nil},
		"numbers as text":  {"interval: 1m, count: '5', failureLimit: '5'", nil},
		"limits off":       {"interval: 1m, failureLimit: -1, inconclusiveLimit: -1, consecutiveErrorLimit: -1, consecutiveSuccessLimit: 1", nil},
		"endless":          {"interval: 1m", nil},
		"once":             {"count: 1", nil},
		"bad durations":    {"interval: soon, initialDelay: -1s", []string{`E505 spec.metrics[0].interval: "soon" is no duration: write one such as 30s, 5m or 1h`, "E505 spec.metrics[0].initialDelay: the duration -1s is negative"}},
		"seconds alone":    {"interval: '10'", []string{`E505 spec.metrics[0].interval: "10" is no duration: write one such as 30s, 5m or 1h`}},
		"no numbers":       {"count: many, failureLimit: '1.5'", []string{`E505 spec.metrics[0].count: "many" is no whole number; write one, or {{args.NAME}}`, `E505 spec.metrics[0].failureLimit: "1.5" is no whole number; write one, or {{args.NAME}}`}},
		"too large":        {"count: '3000000000'", []string{`E505 spec.metrics[0].count: "3000000000" is no whole number; write one, or {{args.NAME}}`}},
		"below their ends": {"interval: 1m, count: -1, failureLimit: -2, inconclusiveLimit: -2, consecutiveErrorLimit: -2, consecutiveSuccessLimit: -1", []string{"E505 spec.metrics[0].count: the number must be 0 or more, not -1", "E505 spec.metrics[0].failureLimit: the number must be -1 or more, not -2", "E505 spec.metrics[0].inconclusiveLimit: the number must be -1 or more, not -2", "E505 spec.metrics[0].consecutiveErrorLimit: the number must be -1 or more, not -2", "E505 spec.metrics[0].consecutiveSuccessLimit: the number must be 0 or more, not -1"}},
		"no interval":      {"count: 2", []string{"E505 spec.metrics[0].count: a count of 2 needs an interval; add interval"}},
		"no end":           {"interval: 1m, failureLimit: -1", []string{"E505 spec.metrics[0].failureLimit: without a failureLimit the metric can only end by a consecutiveSuccessLimit; add one"}},
		"out of reach":     {"interval: 1m, count: 5, failureLimit: 3, consecutiveSuccessLimit: 3", []string{"E505 spec.metrics[0].count: the count 5 is below failureLimit and consecutiveSuccessLimit together, 6; raise it"}},
		"in reach":         {"interval: 1m, count: 6, failureLimit: 3, consecutiveSuccessLimit: 3", nil},
		"successes only":   {"interval: 1m, count: 2, failureLimit: -1, consecutiveSuccessLimit: 3", []string{"E505 spec.metrics[0].count: the count 2 is below failureLimit and consecutiveSuccessLimit together, 3; raise it"}},
		"doubt of reach":   {"interval: 1m, count: 2, inconclusiveLimit: 3", []string{"E505 spec.metrics[0].count: the count 2 is below inconclusiveLimit, 3; raise it"}},
		"conditions":       {"successCondition: 'result <', failureCondition: '1'", []string{`E504 spec.metrics[0].successCondition: the condition "result <" does not compile: unexpected token EOF`, `E504 spec.metrics[0].failureCondition: the condition "1" does not compile: expected bool, but got int`}},
		"no data":          {"failureCondition: result > 1", []string{"W521 spec.metrics[0].failureCondition: where there is no data, Argo takes this metric for successful and Serin for inconclusive; add a successCondition, or compat: argo"}},
		"no data, as Argo": {"failureCondition: result > 1, compat: argo", nil},
		"as others":        {"compat: flagger", []string{`E301 spec.metrics[0].compat: unknown compatibility "flagger"; write argo or nothing`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range bare(templateHead + test.metric + ", " + webProvider + "}]\n") {
				_, rest, _ := strings.Cut(s, ": ")
				got = append(got, rest)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCheckTemplate has what is wrong with a template beside single metrics.
func TestCheckTemplate(t *testing.T) {
	const head = "apiVersion: serin.dev/v1alpha1\nkind: ClusterAnalysisTemplate\nmetadata: {name: t}\nspec:\n"
	tests := map[string]struct {
		text string
		want []string
	}{
		"templates only": {head + "  templates: [{templateName: a}, {templateName: b, clusterScope: true}]\n", nil},
		"nothing":        {head + "  args: []\n", []string{"5:3: W522 spec.metrics: the template measures nothing, which is an error to whoever runs it; add metrics"}},
		"names": {head + "  metrics: [{" + webProvider + "}, {name: a, " + webProvider + "}, {name: a, " + webProvider + "}]\n", []string{
			"5:13: E109 spec.metrics[0].name: the metric has no name; add one",
			`5:109: E501 spec.metrics[2].name: two metrics have the name "a"; rename one`}},
		"no template's name": {head + "  templates: [{}]\n", []string{
			"5:15: E109 spec.templates[0].templateName: the reference names no template; add templateName"}},
		"arguments": {head + "  templates: [{templateName: a}]\n  args:\n  - {name: a, value: ''}\n  - {name: a}\n  - {value: x}\n  - {name: b, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}\n" +
			"  - {name: c, valueFrom: {}}\n  - {name: d, valueFrom: {secretKeyRef: {name: s, key: ''}, podTemplateHashValue: Old}}\n  - {name: e, valueFrom: {fieldRef: {fieldPath: ''}}}\n", []string{
			`8:12: E506 spec.args[1].name: two arguments have the name "a"; remove one`,
			"9:5: E109 spec.args[2].name: the argument has no name; add one",
			`10:5: E506 spec.args[3]: the argument "b" has a value and a valueFrom; remove one`,
			"11:26: E506 spec.args[4].valueFrom: a value comes from one place, not from 0; write one of secretKeyRef, podTemplateHashValue and fieldRef",
			"12:26: E506 spec.args[5].valueFrom: a value comes from one place, not from 2; write one of secretKeyRef, podTemplateHashValue and fieldRef",
			"12:41: E109 spec.args[5].valueFrom.secretKeyRef: the reference needs name and key",
			`12:83: E301 spec.args[5].valueFrom.podTemplateHashValue: unknown version "Old"; write Stable or Latest`,
			"13:49: E109 spec.args[6].valueFrom.fieldRef.fieldPath: the reference has no path; add one such as metadata.labels['region']"}},
		"rules": {head + "  templates: [{templateName: a}]\n  dryRun: [{metricName: a.*}, {metricName: a.*}, {metricName: '('}]\n  measurementRetention: [{metricName: a, limit: 5}, {metricName: a, limit: 6}, {metricName: '(', limit: 1}]\n", []string{
			"6:44: W524 spec.dryRun[1].metricName: the rule is there twice, which is an error to Argo; remove one",
			`6:63: W524 spec.dryRun[2].metricName: the rule "(" is no regular expression, so it matches no metric`,
			"7:66: W524 spec.measurementRetention[1].metricName: the rule is there twice, which is an error to Argo; remove one",
			`7:93: W524 spec.measurementRetention[2].metricName: the rule "(" is no regular expression, so it matches no metric`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, bare(test.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCheckProvider has what is wrong with where values come from.
func TestCheckProvider(t *testing.T) {
	tests := map[string]struct {
		provider string
		want     []string
	}{
		"none":    {"", []string{" the metric has 0 providers; write exactly one of envoy, prometheus, web, kayenta and job"}},
		"two":     {"envoy: {metric: errorRatio}, web: {url: 'http://a'}", []string{" the metric has 2 providers; write exactly one of envoy, prometheus, web, kayenta and job"}},
		"refused": {"datadog: {query: x}", []string{".datadog Serin does not run the provider datadog; ask its HTTP API with web and a jsonPath"}},
		"prometheus": {"prometheus: {address: 'http://p:9090/x', query: 'up', timeout: 5, headers: [{key: A, value: b}], " +
			"rangeQuery: {start: a, end: b, step: 1m}, authentication: {oauth2: {tokenUrl: a, clientId: b, clientSecret: c, scopes: [d]}}}", nil},
		"prometheus of arguments": {"prometheus: {address: '{{args.a}}', query: '{{args.q}}', headers: [{key: '{{args.h}}', value: b}]}", nil},
		"prometheus, empty": {"prometheus: {timeout: -1, rangeQuery: {step: x}, headers: [{key: 'a b', value: c}], authentication: {sigv4: {}, oauth2: {}}}", []string{
			".prometheus.address there is no address, so without serve --prometheus each measurement is an error; add the server's, such as http://prometheus:9090",
			".prometheus.query there is no query, so each measurement is an error; add one",
			".prometheus.timeout the timeout is a number of seconds, 0 or more, not -1",
			`.prometheus.rangeQuery.step "x" is no duration: write one such as 30s, 5m or 1h`,
			`.prometheus.headers[0].key "a b" is no name of a header, so each request is an error; write one such as x-token`,
			".prometheus.authentication sigv4 and oauth2 are both there; remove one",
			".prometheus.authentication.oauth2 oauth2 needs tokenUrl, clientId and clientSecret, or each request is an error"}},
		"prometheus, where": {"prometheus: {address: 'prometheus:9090', query: up}", []string{
			`.prometheus.address "prometheus:9090" is no address to ask, so each measurement is an error; write http(s)://HOST...`}},
		"web":            {"web: {url: 'https://a/b?c={{args.x}}', method: PUT, body: x, timeoutSeconds: 5}", nil},
		"web, empty":     {"web: {}", []string{".web.url there is nothing to ask; add url"}},
		"web, no host":   {"web: {url: 'http:///a'}", []string{`.web.url "http:///a" is no address to ask, so each measurement is an error; write http(s)://HOST...`}},
		"web, two":       {"web: {url: 'http://a', method: POST, body: x, jsonBody: {}}", []string{".web.body body and jsonBody are both there, so each request is an error; remove one"}},
		"web, a body":    {"web: {url: 'http://a', jsonBody: {}, timeoutSeconds: -1}", []string{".web a request with a body needs a method other than GET, or it is an error; write method: POST", ".web.timeoutSeconds the timeout must be 0 or more, not -1"}},
		"web, no method": {"web: {url: 'http://a', method: get}", []string{`.web.method "get" is no method, so each request is an error; write GET, POST or PUT`}},
		"kayenta, empty": {"kayenta: {threshold: {pass: 50, marginal: 75}}", []string{
			".kayenta.address there is no address, so each measurement is an error; add it",
			".kayenta.application there is no application, so each measurement is an error; add it",
			".kayenta.canaryConfigName there is no canaryConfigName, so each measurement is an error; add it",
			".kayenta.metricsAccountName there is no metricsAccountName, so each measurement is an error; add it",
			".kayenta.storageAccountName there is no storageAccountName, so each measurement is an error; add it",
			".kayenta.scopes there is no scope, so nothing is compared; add scopes",
			".kayenta.threshold the scores must be 0 to 100 and pass not below marginal, not 50 and 75"}},
		"job":          {"job: {command: [check, me]}", []string{".job commands are off unless Serin is started with them allowed; while they are, each measurement is an error"}},
		"job, cluster": {"job: {metadata: {labels: {a: b}}, spec: {}}", []string{".job a Kubernetes Job runs in a cluster only, so for files each measurement is an error; add command, which runs beside Serin where that is allowed"}},
		"job, empty":   {"job: {}", []string{".job the job says nothing to run; add command, or the spec of a Kubernetes Job"}},
		"envoy":        {"envoy: {metric: latencyQuantile, quantile: 0.99, version: stable, window: 5m}", nil},
		"envoy, empty": {"envoy: {}", []string{`.envoy.metric unknown metric ""; write errorRatio, requestRate, latencyQuantile, overflow or connections`}},
		"envoy, no quantile": {"envoy: {metric: latencyQuantile, version: old, window: -1s}", []string{
			`.envoy.version unknown version "old"; write canary or stable`,
			".envoy.quantile latencyQuantile needs a quantile, such as 0.99",
			".envoy.window the duration -1s is negative"}},
		"envoy, a quantile too many": {"envoy: {metric: overflow, quantile: 0.5}", []string{".envoy.quantile overflow has no quantile; remove it"}},
		"envoy, open":                {"envoy: {metric: errorRatio, version: '{{args.v}}', window: '{{args.w}}', step: '{{args.s}}'}", nil},
		"envoy, in parts":            {"envoy: {metric: errorRatio, window: 1m, step: 10s}", nil},
		"envoy, too far back":        {"envoy: {metric: errorRatio, window: 31m, step: 10s}", []string{".envoy.window reports are kept for 30m at most, not for 31m"}},
		"envoy, a long step":         {"envoy: {metric: errorRatio, step: 61s}", []string{".envoy.step the step must be above 0 and at most the window, 1m0s, not 61s"}},
		"envoy, a short step":        {"envoy: {metric: errorRatio, step: 10ms}", []string{".envoy.step the window has 6000 steps; make them longer, so that there are at most 128"}},
		"envoy, parts of now":        {"envoy: {metric: connections, step: 1s}", []string{".envoy.step connections are those of now; remove step"}},
		"envoy, no step at all":      {"envoy: {metric: errorRatio, step: 0s}", []string{".envoy.step the step must be above 0 and at most the window, 1m0s, not 0s"}},
		"envoy, no duration":         {"envoy: {metric: errorRatio, window: long, step: short}", []string{`.envoy.window "long" is no duration: write one such as 30s, 5m or 1h`, `.envoy.step "short" is no duration: write one such as 30s, 5m or 1h`}},
		"judge": {"kayenta: {strict: true, config: {metrics: [{name: a, query: {x: y}}, {name: b}]}, series: [" +
			"{name: b, control: {web: {url: 'http://a'}}, experiment: {web: {url: 'http://b'}}}, " +
			"{name: a, control: {envoy: {metric: errorRatio, version: stable, step: 5s}}, experiment: {envoy: {metric: errorRatio, step: 5s}}}]}", nil},
		"judge, no config": {"kayenta: {series: [{name: a, control: {}, experiment: {prometheus: {address: 'http://p', query: x}}}]}", []string{
			".kayenta.config there is no canary config for the series; add one, as Kayenta's API has it",
			".kayenta.series[0].control a series comes from one place, not from 0; write exactly one of prometheus, web and envoy",
			".kayenta.series[0].experiment.prometheus without a rangeQuery there is one value, which the judge cannot compare; add rangeQuery: {start, end, step}"}},
		"judge, no series": {"kayenta: {config: {metrics: [{name: a}, {name: a}, {}]}}", []string{
			`.kayenta.config.metrics[1].name two metrics have the name "a"; rename one`,
			".kayenta.config.metrics[2].name the metric has no name; add one",
			`.kayenta.series there are no series for the metric "" of the config; add {name, control, experiment}`,
			`.kayenta.series there are no series for the metric "a" of the config; add {name, control, experiment}`}},
		"judge, other series": {"kayenta: {config: {metrics: [{name: a}]}, series: [{name: a, control: {web: {url: x}}, experiment: {envoy: {metric: overflow}}}, " +
			"{name: a, control: {web: {url: 'http://a'}}, experiment: {web: {url: 'http://a'}}}, {name: b, control: {web: {url: 'http://a'}}, experiment: {web: {url: 'http://a'}}}, " +
			"{control: {web: {url: 'http://a'}}, experiment: {web: {url: 'http://a'}}}]}", []string{
			`.kayenta.series[0].control.web.url "x" is no address to ask, so each measurement is an error; write http(s)://HOST...`,
			".kayenta.series[0].experiment.envoy without a step there is one value, which the judge cannot compare; add step, such as 10s",
			`.kayenta.series[1].name two series have the name "a"; remove one`,
			`.kayenta.series[2].name no metric of the config has the name "b"; correct it, or remove the series`,
			".kayenta.series[3].name the series has no name; write that of a metric of the config"}},
		"judge and server": {"kayenta: {address: 'http://k', threshold: {pass: 90, marginal: 75}, lookback: true, config: {metrics: [{name: a}]}, series: [" +
			"{name: a, control: {web: {url: 'http://a'}}, experiment: {web: {url: 'http://b'}}}]}", []string{
			".kayenta.address address is of a Kayenta server, and config of the judge in this process; remove one of them",
			".kayenta.threshold the thresholds of a config are its own; write classifier.scoreThresholds in config",
			".kayenta scopes and lookback are of a Kayenta server; write series, whose queries say what is compared"}},
		"judge, no such config":  {"kayenta: {config: [1]}", []string{".kayenta.config it is no canary config, an object with a list of metrics and their names"}},
		"judge, an empty config": {"kayenta: {config: {}}", []string{".kayenta.config the canary config has no metrics; add some"}},
		"server, strict": {"kayenta: {strict: true, address: 'http://k', application: a, canaryConfigName: b, metricsAccountName: c, storageAccountName: d, scopes: [{name: x}]}",
			[]string{".kayenta.strict strict is of the judge in this process only; remove it, or add config and series"}},
		"envoy, no such quantile": {"envoy: {metric: latencyQuantile, quantile: 1}", []string{".envoy.quantile the quantile must be above 0 and below 1, such as 0.99, not 1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, findings := Decode("f.yaml", []byte(templateHead+"provider: {"+test.provider+"}}]\n"))
			var got []string
			for _, f := range findings {
				got = append(got, strings.TrimPrefix(f.Path, "spec.metrics[0].provider")+" "+f.Message)
			}
			slices.Sort(got)
			slices.Sort(test.want)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
