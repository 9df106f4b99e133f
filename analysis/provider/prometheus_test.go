package provider

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

// promMetric makes a metric that asks a server.
func promMetric(address string, change func(*api.PrometheusMetric)) api.Metric {
	q := &api.PrometheusMetric{Address: address, Query: "up"}
	if change != nil {
		change(q)
	}
	return api.Metric{Name: "m", Provider: api.MetricProvider{Prometheus: q}}
}

// promAnswer is what a server says.
func promAnswer(kind, result string) string {
	return fmt.Sprintf(`{"status":"success","data":{"resultType":%q,"result":%s}}`, kind, result)
}

func TestPrometheusValues(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name   string
		status int
		body   string
		want   any
		text   string
		err    string
	}{
		{"scalar", 200, promAnswer("scalar", `[1, "0.25"]`), 0.25, "0.25", ""},
		{"scalar NaN", 200, promAnswer("scalar", `[1, "NaN"]`), nan, "NaN", ""},
		{"vector", 200, promAnswer("vector", `[{"metric":{"a":"b"},"value":[1,"0.5"]},{"metric":{},"value":[1,"2"]}]`), []float64{0.5, 2}, "[0.5,2]", ""},
		{"vector of NaN and infinity", 200, promAnswer("vector", `[{"metric":{},"value":[1,"NaN"]},{"metric":{},"value":[1,"+Inf"]}]`), []float64{nan, math.Inf(1)}, "[NaN,+Inf]", ""},
		{"nothing", 200, promAnswer("vector", `[]`), []float64{}, "[]", ""},
		{"range", 200, promAnswer("matrix", `[{"metric":{},"values":[[1,"1"],[2,"2"]]},{"metric":{},"values":[[1,"3"]]}]`), []float64{1, 2, 3}, "[1,2,3]", ""},
		{"text", 200, promAnswer("string", `[1, "many"]`), nil, "", `unexpected value type "string"`},
		{"a native histogram", 200, promAnswer("vector", `[{"metric":{},"histogram":[1,{"count":"1","sum":"1","buckets":[[0,"0","1","1"]]}]}]`), nil, "", "native histograms"},
		{"a lie about its type", 200, promAnswer("scalar", `[{"metric":{},"value":[1,"1"]}]`), nil, "", "measuring \"m\" by prometheus: "},
		{"a type that is none", 200, promAnswer("table", `[]`), nil, "", "measuring \"m\" by prometheus: "},
		{"not even JSON", 200, `<html>`, nil, "", "measuring \"m\" by prometheus: "},
		{"no bytes", 200, ``, nil, "", "measuring \"m\" by prometheus: "},
		{"a bad query", 400, `{"status":"error","errorType":"bad_data","error":"parse error"}`, nil, "", "bad_data: parse error"},
		{"a server that is down", 503, `gone`, nil, "", "server_error: server error: 503"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := newTestSet(t, Options{})
			v, err := set.Measure(t.Context(), promMetric(serve(t, answers(tt.status, tt.body)), nil), Subject{})
			if !says(err, tt.err) {
				t.Fatalf("got %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, v.Result, cmpopts.EquateNaNs()); diff != "" || v.Text != tt.text {
				t.Errorf("text %q, want %q; value (-want +got):\n%s", v.Text, tt.text, diff)
			}
			if err == nil && v.About[resolvedQuery] != "up" {
				t.Errorf("about the metric: %v", v.About)
			}
		})
	}
}

func TestPrometheusRequest(t *testing.T) {
	var form url.Values
	var header http.Header
	var path string
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		form, header, path = r.Form, r.Header, r.URL.Path
		answers(200, `{"status":"success","warnings":["a","b"],"data":{"resultType":"matrix","result":[]}}`)(w, r)
	})
	set := newTestSet(t, Options{PrometheusAddress: address + "/base"})
	v, err := set.Measure(t.Context(), promMetric("", func(q *api.PrometheusMetric) {
		q.Headers = []api.WebHeader{{Key: "X-Scope-OrgID", Value: "shop"}}
		q.RangeQuery = &api.PrometheusRange{Start: `now() - duration("5m")`, End: "now()", Step: "30s"}
	}), Subject{})
	if err != nil {
		t.Fatal(err)
	}
	if path != "/base/api/v1/query_range" || form.Get("query") != "up" || form.Get("step") != "30" || header.Get("X-Scope-OrgID") != "shop" {
		t.Errorf("asked for %s with %v, %v", path, form, header)
	}
	var start, end float64
	_, _ = fmt.Sscan(form.Get("start"), &start)
	_, _ = fmt.Sscan(form.Get("end"), &end)
	if d := end - start; d < 299.9 || d > 301 {
		t.Errorf("the range is %v seconds, want 300", d)
	}
	if v.Metadata["warnings"] != "a; b" {
		t.Errorf("metadata %v", v.Metadata)
	}
}

func TestPrometheusRefusals(t *testing.T) {
	tests := []struct {
		name   string
		change func(*api.PrometheusMetric)
		want   string
	}{
		{"no address", func(q *api.PrometheusMetric) { q.Address = "" }, `address "": want http(s)://HOST`},
		{"an address without a scheme", func(q *api.PrometheusMetric) { q.Address = "prometheus:9090" }, "want http(s)://HOST"},
		{"a negative timeout", func(q *api.PrometheusMetric) { q.Timeout = new(int64); *q.Timeout = -1 }, "timeout is -1 seconds"},
		{"sigv4", func(q *api.PrometheusMetric) {
			q.Authentication = &api.Authentication{Sigv4: &api.Sigv4{Region: "r"}}
		}, "sigv4 is not supported"},
		{"oauth2 without a secret", func(q *api.PrometheusMetric) {
			q.Authentication = &api.Authentication{OAuth2: &api.OAuth2{TokenURL: "http://x", ClientID: "i"}}
		}, "needs clientId and clientSecret"},
		{"no time", func(q *api.PrometheusMetric) {
			q.RangeQuery = &api.PrometheusRange{Start: "5", End: "now()", Step: "1s"}
		}, "rangeQuery.start: \"5\" gives int, not a time"},
		{"no expression", func(q *api.PrometheusMetric) {
			q.RangeQuery = &api.PrometheusRange{Start: "now()", End: "soon", Step: "1s"}
		}, "rangeQuery.end: unknown name soon"},
		{"no end", func(q *api.PrometheusMetric) { q.RangeQuery = &api.PrometheusRange{Start: "now()", Step: "1s"} }, "rangeQuery.end: "},
		{"no step", func(q *api.PrometheusMetric) { q.RangeQuery = &api.PrometheusRange{Start: "now()", End: "now()"} }, "by 0s"},
		{"a bad step", func(q *api.PrometheusMetric) {
			q.RangeQuery = &api.PrometheusRange{Start: "now()", End: "now()", Step: "x"}
		}, "rangeQuery.step: "},
		{"back in time", func(q *api.PrometheusMetric) {
			q.RangeQuery = &api.PrometheusRange{Start: "now()", End: `now() - duration("1m")`, Step: "1s"}
		}, "rangeQuery is from "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := inMemory(Options{}, func(*http.Request) (*http.Response, error) {
				t.Error("it asks")
				return reply(200, promAnswer("vector", "[]")), nil
			})
			if _, err := set.Measure(t.Context(), promMetric("http://prometheus", tt.change), Subject{}); !says(err, tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// A server that does not answer takes 30 s, or the metric's own timeout.
func TestPrometheusTimeout(t *testing.T) {
	for _, tt := range []struct {
		seconds *int64
		want    time.Duration
	}{{nil, 30 * time.Second}, {new(int64), 30 * time.Second}, {seconds(3), 3 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			set := inMemory(Options{}, func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
			begin := time.Now()
			_, err := set.Measure(t.Context(), promMetric("http://prometheus", func(q *api.PrometheusMetric) { q.Timeout = tt.seconds }), Subject{})
			if took := time.Since(begin); err == nil || took != tt.want {
				t.Errorf("%v after %v, want an error after %v", err, took, tt.want)
			}
		})
	}
}

func seconds(n int64) *int64 { return &n }

func TestHeadersStayWithTheirServer(t *testing.T) {
	var leaked string
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		leaked = r.Header.Get("X-Token")
		answers(200, promAnswer("vector", "[]"))(w, r)
	})
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Token") != "secret" {
			t.Error("no header")
		}
		http.Redirect(w, r, other+r.URL.Path, http.StatusTemporaryRedirect)
	})
	set := newTestSet(t, Options{})
	if _, err := set.Measure(t.Context(), promMetric(address, func(q *api.PrometheusMetric) {
		q.Headers = []api.WebHeader{{Key: "X-Token", Value: "secret"}}
	}), Subject{}); err != nil {
		t.Fatal(err)
	}
	if leaked != "" {
		t.Errorf("the other server got %q", leaked)
	}
}

func TestOAuth2(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			user, password, _ := r.BasicAuth()
			if _ = r.ParseForm(); user != "id" || password != "pw" || r.Form.Get("scope") != "a b" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			answers(200, `{"access_token":"t1","token_type":"Bearer","expires_in":3600}`)(w, r)
			return
		}
		if got := r.Header.Get("Authorization"); got != "Bearer t1" {
			t.Errorf("asked with %q", got)
		}
		answers(200, promAnswer("scalar", `[1,"1"]`))(w, r)
	})
	metric := func(password string) api.Metric {
		auth := &api.Authentication{OAuth2: &api.OAuth2{TokenURL: address + "/token", ClientID: "id", ClientSecret: password, Scopes: []string{"a", "b"}}}
		return promMetric(address, func(q *api.PrometheusMetric) { q.Authentication = auth })
	}
	set := newTestSet(t, Options{})
	if v, err := set.Measure(t.Context(), metric("pw"), Subject{}); err != nil || v.Result != 1.0 {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := set.Measure(t.Context(), metric("wrong"), Subject{}); !says(err, "401") {
		t.Errorf("got %v, want a 401", err)
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(answers(200, promAnswer("scalar", `[1,"1"]`)))
	// That a client refuses the certificate is what is asked for.
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	set := newTestSet(t, Options{})
	metric := func(insecure bool) api.Metric {
		return promMetric(server.URL, func(q *api.PrometheusMetric) { q.Insecure = insecure })
	}
	if _, err := set.Measure(t.Context(), metric(false), Subject{}); !says(err, "certificate") {
		t.Errorf("got %v, want an error about the certificate", err)
	}
	if _, err := set.Measure(t.Context(), metric(true), Subject{}); err != nil {
		t.Error(err)
	}
}

// Sources that misbehave end in time, and block nobody.
func TestMisbehaviour(t *testing.T) {
	gone := httptest.NewServer(http.HandlerFunc(hangs))
	gone.Close()
	slow, flood := serve(t, hangs), serve(t, floods)
	drips := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"status":`)
		w.(http.Flusher).Flush()
		hangs(w, r)
	})
	web := func(address string) api.Metric {
		return api.Metric{Name: "m", Provider: api.MetricProvider{Web: &api.WebMetric{URL: address}}}
	}
	prom := func(address string) api.Metric { return promMetric(address, nil) }
	for name, tt := range map[string]struct {
		ctx     context.Context
		address string
		want    string
	}{
		"down":  {t.Context(), gone.URL, "connection refused"},
		"slow":  {soon(t), slow, "context deadline exceeded"},
		"drips": {soon(t), drips, "context deadline exceeded"},
		"flood": {t.Context(), flood, "the answer is larger than 16 MB"},
	} {
		for kind, metric := range map[string]func(string) api.Metric{"web": web, "prometheus": prom} {
			t.Run(kind+" "+name, func(t *testing.T) {
				set := newTestSet(t, Options{})
				r := set.Take(tt.ctx, run.Task{Metric: metric(tt.address)}, nil, noSecrets, Subject{})
				if r.Phase != api.AnalysisError || !says(fmt.Errorf("%s", r.Message), tt.want) {
					t.Errorf("got %+v, want %q", r, tt.want)
				}
			})
		}
	}
}

// TestMillionSeries: an answer of a million series is an error within the time of
// the metric, as it is larger than what is read; one that can be read is a value
// whose text stays short.
func TestMillionSeries(t *testing.T) {
	vector := func(n int) string {
		const one = `{"metric":{},"value":[1,"1"]}`
		return promAnswer("vector", "["+strings.Repeat(one+",", n-1)+one+"]")
	}
	millions, many := serve(t, answers(200, vector(1_000_000))), serve(t, answers(200, vector(100_000)))
	for name, tt := range map[string]struct {
		metric api.Metric
		err    string
		phase  api.AnalysisPhase
	}{
		"prometheus":       {promMetric(millions, nil), "the answer is larger than 16 MB", api.AnalysisError},
		"web":              {webMetric(millions, "{$.data.result[0].value[1]}"), "the answer is larger than 16 MB", api.AnalysisError},
		"those that fit":   {promMetric(many, nil), "", api.AnalysisSuccessful},
		"the first of all": {webMetric(many, "{$.data.result[0].value[1]}"), "", api.AnalysisSuccessful},
	} {
		t.Run(name, func(t *testing.T) {
			set, began := newTestSet(t, Options{}), time.Now()
			r := set.Take(t.Context(), run.Task{Metric: tt.metric}, nil, noSecrets, Subject{})
			if r.Phase != tt.phase || !strings.Contains(r.Message, tt.err) {
				t.Errorf("got %s %q, want %s %q", r.Phase, r.Message, tt.phase, tt.err)
			}
			if len(r.Value)+len(r.Message) > 4096 {
				t.Errorf("%d bytes are kept", len(r.Value)+len(r.Message))
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}
