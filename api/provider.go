package api

import (
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MetricProvider says where the values of a metric come from; exactly one field
// is set. Texts may hold {{args.x}}. Source: Argo's CRD, but for Envoy.
type MetricProvider struct {
	Prometheus *PrometheusMetric `json:"prometheus,omitempty"`
	Web        *WebMetric        `json:"web,omitempty"`
	Kayenta    *KayentaMetric    `json:"kayenta,omitempty"`
	Job        *JobMetric        `json:"job,omitempty"`
	Envoy      *EnvoyMetric      `json:"envoy,omitempty"` // Serin's own

	// The rest is refused by name: each can be reached by Web.

	Datadog    json.RawMessage `json:"datadog,omitempty"`
	NewRelic   json.RawMessage `json:"newRelic,omitempty"`
	CloudWatch json.RawMessage `json:"cloudWatch,omitempty"`
	Wavefront  json.RawMessage `json:"wavefront,omitempty"`
	Graphite   json.RawMessage `json:"graphite,omitempty"`
	Influxdb   json.RawMessage `json:"influxdb,omitempty"`
	SkyWalking json.RawMessage `json:"skywalking,omitempty"`
	Plugin     json.RawMessage `json:"plugin,omitempty"`
}

// Kinds gives the names of the provider's fields that are set.
func (p *MetricProvider) Kinds() []string {
	var kinds []string
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"prometheus", p.Prometheus != nil}, {"web", p.Web != nil}, {"kayenta", p.Kayenta != nil},
		{"job", p.Job != nil}, {"envoy", p.Envoy != nil},
		{"datadog", p.Datadog != nil}, {"newRelic", p.NewRelic != nil}, {"cloudWatch", p.CloudWatch != nil},
		{"wavefront", p.Wavefront != nil}, {"graphite", p.Graphite != nil}, {"influxdb", p.Influxdb != nil},
		{"skywalking", p.SkyWalking != nil}, {"plugin", p.Plugin != nil},
	} {
		if k.set {
			kinds = append(kinds, k.name)
		}
	}
	return kinds
}

// PrometheusMetric asks a Prometheus server.
type PrometheusMetric struct {
	Address string `json:"address,omitempty"` // http(s)://HOST[:PORT][/PATH]
	Query   string `json:"query,omitempty"`   // PromQL
	// Timeout is in seconds; nil is 30.
	Timeout        *int64          `json:"timeout,omitempty"`
	Insecure       bool            `json:"insecure,omitempty"` // the server's certificate is not checked
	Headers        []WebHeader     `json:"headers,omitempty"`
	Authentication *Authentication `json:"authentication,omitempty"`
	// RangeQuery asks for the values over a time; nil: for the one of now.
	RangeQuery *PrometheusRange `json:"rangeQuery,omitempty"`
}

// PrometheusRange is the time of a range query. Start and End are expressions
// of expr-lang that give a time, such as now() - duration("5m").
type PrometheusRange struct {
	Start string       `json:"start,omitempty"`
	End   string       `json:"end,omitempty"`
	Step  DurationText `json:"step,omitempty"`
}

// WebHeader is a header of a request.
type WebHeader struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Authentication says who asks; at most one field is set.
type Authentication struct {
	Sigv4  *Sigv4  `json:"sigv4,omitempty"`
	OAuth2 *OAuth2 `json:"oauth2,omitempty"`
}

// Sigv4 signs requests as AWS wants them.
type Sigv4 struct {
	Region  string `json:"region,omitempty"`
	Profile string `json:"profile,omitempty"`
	RoleARN string `json:"roleArn,omitempty"`
}

// OAuth2 gets a token by client credentials. Source: RFC 6749, section 4.4.
type OAuth2 struct {
	TokenURL     string   `json:"tokenUrl,omitempty"`
	ClientID     string   `json:"clientId,omitempty"`
	ClientSecret string   `json:"clientSecret,omitempty"`
	Scopes       []string `json:"scopes,omitempty"`
}

// defaultWebTimeout is Argo's for a web metric.
const defaultWebTimeout = 10 * time.Second

// WebMetric asks over HTTP and takes a part of the JSON that comes back.
type WebMetric struct {
	Method  string      `json:"method,omitempty"` // GET (default), POST or PUT
	URL     string      `json:"url"`
	Headers []WebHeader `json:"headers,omitempty"`
	// Body and JSONBody exclude each other.
	Body     string          `json:"body,omitempty"`
	JSONBody json.RawMessage `json:"jsonBody,omitempty"`
	// TimeoutSeconds is 10 where it is 0; Timeout gives it.
	TimeoutSeconds int64 `json:"timeoutSeconds,omitempty"`
	// JSONPath says which part of the answer is the value, in Kubernetes' form
	// such as {$.data.rate}; "": the whole.
	JSONPath       string          `json:"jsonPath,omitempty"`
	Insecure       bool            `json:"insecure,omitempty"` // the server's certificate is not checked
	Authentication *Authentication `json:"authentication,omitempty"`
}

// Timeout gives how long an answer may take; 10 s where nothing is written.
func (w *WebMetric) Timeout() time.Duration {
	if w.TimeoutSeconds <= 0 {
		return defaultWebTimeout
	}
	return time.Duration(w.TimeoutSeconds) * time.Second
}

// KayentaMetric compares canary and baseline as Kayenta does: by asking a
// Kayenta server, or here, where Config is there.
type KayentaMetric struct {
	Address                  string           `json:"address"`
	Application              string           `json:"application"`
	CanaryConfigName         string           `json:"canaryConfigName"`
	MetricsAccountName       string           `json:"metricsAccountName"`
	ConfigurationAccountName string           `json:"configurationAccountName"`
	StorageAccountName       string           `json:"storageAccountName"`
	Threshold                KayentaThreshold `json:"threshold"`
	Scopes                   []KayentaScope   `json:"scopes"`
	Lookback                 bool             `json:"lookback,omitempty"`

	// Config is a canary config as Kayenta's API has it, for the judge in this
	// process; then Series are its values, and none of the above is there.
	// Serin's own, like the rest.
	Config json.RawMessage `json:"config,omitempty"`
	Series []KayentaSeries `json:"series,omitempty"`
	// Strict makes a verdict that rests on a known fault of Kayenta's
	// inconclusive, as `strict` of the config does.
	Strict bool `json:"strict,omitempty"`
}

// InProcess reports whether the metric is judged without a server.
func (m *KayentaMetric) InProcess() bool { return len(m.Config) > 0 || len(m.Series) > 0 }

// KayentaSeries says where the values of one metric of a canary config come
// from: a range query, or anything else that gives a list of numbers.
type KayentaSeries struct {
	Name       string         `json:"name"` // of the metric in the config
	Control    SeriesProvider `json:"control"`
	Experiment SeriesProvider `json:"experiment"`
}

// SeriesProvider is a MetricProvider that can give a list of numbers; exactly
// one field is set.
type SeriesProvider struct {
	Prometheus *PrometheusMetric `json:"prometheus,omitempty"`
	Web        *WebMetric        `json:"web,omitempty"`
	Envoy      *EnvoyMetric      `json:"envoy,omitempty"`
}

// Provider gives it as that of a metric.
func (p *SeriesProvider) Provider() MetricProvider {
	return MetricProvider{Prometheus: p.Prometheus, Web: p.Web, Envoy: p.Envoy}
}

// KayentaThreshold is the score, 0 to 100, from which a canary passes or is
// marginal.
type KayentaThreshold struct {
	Pass     int64 `json:"pass"`
	Marginal int64 `json:"marginal"`
}

// KayentaScope says which series are compared.
type KayentaScope struct {
	Name            string             `json:"name"`
	ControlScope    KayentaScopeDetail `json:"controlScope"`
	ExperimentScope KayentaScopeDetail `json:"experimentScope"`
}

// KayentaScopeDetail names the series of one side. Start and End are RFC 3339
// times or texts with arguments; Step is in seconds.
type KayentaScopeDetail struct {
	Scope  string `json:"scope"`
	Region string `json:"region"`
	Step   int64  `json:"step"`
	Start  string `json:"start,omitempty"`
	End    string `json:"end,omitempty"`
}

// JobMetric runs something to its end: a Kubernetes Job in a cluster, a command
// beside Serin where that is allowed. Success of it is the measurement's.
type JobMetric struct {
	Metadata metav1.ObjectMeta `json:"metadata,omitzero"`
	Spec     json.RawMessage   `json:"spec,omitempty"` // a batch/v1 JobSpec
	// Command is run instead for files: a program and its arguments, without a
	// shell. Serin's own.
	Command []string `json:"command,omitempty"`
}

// EnvoyMetric reads what the proxies report of one version. It needs no server.
type EnvoyMetric struct {
	Metric EnvoyMeasure `json:"metric"`
	// Version is EnvoyCanary (default) or EnvoyStable, or as an argument gives it,
	// one of these or a version by its name.
	Version string `json:"version,omitempty"`
	// Quantile is above 0 and below 1; of EnvoyLatencyQuantile only.
	Quantile *float64 `json:"quantile,omitempty"`
	// Window is how far back is looked, MostEnvoyWindow at most; "" is one
	// minute. Length gives it.
	Window DurationText `json:"window,omitempty"`
	// Step divides the window into parts of this length. The value is then a
	// list of theirs, the oldest first; one of which nothing is known is NaN.
	// "": one number, of the whole window.
	Step DurationText `json:"step,omitempty"`
}

const (
	// MostEnvoyWindow is how far back proxies' reports are kept.
	MostEnvoyWindow = 30 * time.Minute
	// MostEnvoySteps is into how many parts a window can be divided.
	MostEnvoySteps = 128

	defaultEnvoyWindow = time.Minute
)

// Length gives how far back is looked.
func (m *EnvoyMetric) Length() (time.Duration, error) {
	length, err := m.Window.Duration()
	if err != nil {
		return 0, fmt.Errorf("window: %w", err)
	}
	if length <= 0 {
		length = defaultEnvoyWindow
	}
	return min(length, MostEnvoyWindow), nil
}

// LongestWindow gives the longest window of some metrics; 0 for none.
func LongestWindow(metrics []*EnvoyMetric) (time.Duration, error) {
	var longest time.Duration
	for _, m := range metrics {
		length, err := m.Length()
		if err != nil {
			return 0, err
		}
		longest = max(longest, length)
	}
	return longest, nil
}

// EnvoyMeasure is a quantity that proxies report.
type EnvoyMeasure string

// The quantities that proxies report.
const (
	EnvoyErrorRatio      EnvoyMeasure = "errorRatio"      // failed requests of all, 0 to 1
	EnvoyRequestRate     EnvoyMeasure = "requestRate"     // requests a second
	EnvoyLatencyQuantile EnvoyMeasure = "latencyQuantile" // seconds
	EnvoyOverflow        EnvoyMeasure = "overflow"        // requests refused by a full circuit breaker
	EnvoyConnections     EnvoyMeasure = "connections"     // open to the version's endpoints
)

// The values of EnvoyMetric.Version.
const (
	EnvoyCanary = "canary"
	EnvoyStable = "stable"
)
