package provider

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
)

// webMetric makes a metric that asks an address for a part of its answer.
func webMetric(address, path string) api.Metric {
	return api.Metric{Name: "m", Provider: api.MetricProvider{Web: &api.WebMetric{URL: address, JSONPath: path}}}
}

func TestWebValues(t *testing.T) {
	const object = `{"data": {"rate": 0.5, "ok": true, "name": "shop", "none": null, "numbers": [1, 2], "list": [1, 2, {"a": 3}]}}`
	tests := []struct {
		name, path, body string
		status           int
		want             any
		text             string
		err              string
	}{
		{"a number", "{$.data.rate}", object, 200, 0.5, "0.5", ""},
		{"a bool", "{$.data.ok}", object, 200, true, "true", ""},
		{"a text", "{.data.name}", object, 200, "shop", `"shop"`, ""},
		{"null is no data", "{$.data.none}", object, 200, nil, "null", ""},
		{"the first of several", "{$.data.list[*]}", object, 200, 1.0, "1", ""},
		{"a list", "{$.data.list}", object, 200, []any{1.0, 2.0, map[string]any{"a": 3.0}}, `[1,2,{"a":3}]`, ""},
		{"the whole", "", `[1]`, 200, []any{1.0}, `[1]`, ""},
		{"a bare null", "", `null`, 200, nil, "null", ""},
		{"nothing there", "{$.data.missing}", object, 200, nil, "", `jsonPath "{$.data.missing}": missing is not found`},
		{"an index beyond", "{$.data.list[9]}", object, 200, nil, "", "out of bounds"},
		{"an empty list of results", "{$.data.numbers[?(@ > 9.0)]}", object, 200, nil, "", "it finds nothing"},
		{"a path of another thing", "{$.data.rate.x}", object, 200, nil, "", "jsonPath"},
		{"no path", "{$.data", object, 200, nil, "", `jsonPath "{$.data": `},
		{"a text that is not JSON", "", "ok", 200, "ok", "ok", ""},
		{"no bytes", "", "", 200, "", "", ""},
		{"a part of what is not JSON", "{$.a}", "<html>", 200, nil, "", "the answer is not JSON"},
		{"201", "", "1", 201, 1.0, "1", ""},
		{"404", "", "1", 404, nil, "", "is 404 Not Found"},
		{"500", "", "1", 500, nil, "", "is 500 Internal Server Error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := newTestSet(t, Options{})
			v, err := set.Measure(t.Context(), webMetric(serve(t, answers(tt.status, tt.body)), tt.path), Subject{})
			if !says(err, tt.err) {
				t.Fatalf("got %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, v.Result); diff != "" || v.Text != tt.text {
				t.Errorf("text %q, want %q; value (-want +got):\n%s", v.Text, tt.text, diff)
			}
		})
	}
}

func TestWebTextInArgo(t *testing.T) {
	m := webMetric("", "{$.a}")
	m.Compat = api.CompatArgo
	if v, err := webValue(m, []byte("<html>")); err != nil || v.Phase != api.AnalysisSuccessful {
		t.Errorf("got %+v, %v; want it to succeed", v, err)
	}
}

func TestWebRequests(t *testing.T) {
	tests := []struct {
		name               string
		change             func(*api.WebMetric)
		method, body, kind string
		err                string
	}{
		{"GET by default", func(*api.WebMetric) {}, "GET", "", "", ""},
		{"POST", func(q *api.WebMetric) { q.Method, q.Body = "POST", "a=b" }, "POST", "a=b", "", ""},
		{"PUT of JSON", func(q *api.WebMetric) { q.Method, q.JSONBody = "PUT", []byte(`{"a":1}`) }, "PUT", `{"a":1}`, "application/json", ""},
		{"both bodies", func(q *api.WebMetric) { q.Method, q.Body, q.JSONBody = "POST", "a", []byte(`1`) }, "", "", "", "exclude each other"},
		{"a body in a GET", func(q *api.WebMetric) { q.Body = "a" }, "", "", "", "a GET has no body"},
		{"no URL", func(q *api.WebMetric) { q.URL = "http://a b" }, "", "", "", "invalid character"},
		{"no method", func(q *api.WebMetric) { q.Method = "A B" }, "", "", "", "invalid method"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := inMemory(Options{}, func(r *http.Request) (*http.Response, error) {
				var body []byte
				if r.Body != nil {
					body, _ = io.ReadAll(r.Body)
				}
				if r.Method != tt.method || string(body) != tt.body || r.Header.Get("Content-Type") != tt.kind {
					t.Errorf("sent %s %q of %q", r.Method, body, r.Header.Get("Content-Type"))
				}
				if r.Header.Get("X-A") != "1" || r.Host != "other" {
					t.Errorf("sent to %s with %v", r.Host, r.Header)
				}
				return reply(200, "1"), nil
			})
			m := webMetric("http://a/b", "")
			m.Provider.Web.Headers = []api.WebHeader{{Key: "X-A", Value: "1"}, {Key: "host", Value: "other"}}
			tt.change(m.Provider.Web)
			if _, err := set.Measure(t.Context(), m, Subject{}); !says(err, tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
		})
	}
}

func TestWebTimeout(t *testing.T) {
	for given, want := range map[int64]time.Duration{0: 10 * time.Second, 2: 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			set := inMemory(Options{}, func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
			m := webMetric("http://a", "")
			m.Provider.Web.TimeoutSeconds = given
			begin := time.Now()
			if _, err := set.Measure(t.Context(), m, Subject{}); err == nil || time.Since(begin) != want {
				t.Errorf("%v after %v, want an error after %v", err, time.Since(begin), want)
			}
		})
	}
}

// Whatever comes back, there is a value or an error.
func FuzzWebValue(f *testing.F) {
	f.Add([]byte(`{"a": [1, {"b": null}]}`), "{$.a[1].b}")
	f.Add([]byte(`[1, 2]`), "{$[?(@ > 1)]}")
	f.Add([]byte(`{"a": 1}`), "{range .a}{@}{end}")
	f.Add([]byte(`text`), "")
	f.Fuzz(func(t *testing.T, body []byte, path string) {
		v, err := webValue(webMetric("", path), body)
		if err != nil && v.Result != nil {
			t.Errorf("both %v and %v", v.Result, err)
		}
	})
}

// The same of Prometheus.
func FuzzPrometheusAnswer(f *testing.F) {
	f.Add([]byte(promAnswer("vector", `[{"metric":{},"value":[1,"0.5"]}]`)))
	f.Add([]byte(promAnswer("matrix", `[{"metric":{},"values":[[1,"1"]]}]`)))
	f.Add([]byte(promAnswer("scalar", `[1,"NaN"]`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		set := inMemory(Options{}, func(*http.Request) (*http.Response, error) { return reply(200, string(body)), nil })
		v, err := set.Measure(t.Context(), promMetric("http://a", nil), Subject{})
		if (err == nil) != (v.Result != nil) {
			t.Errorf("got %v, %v", v.Result, err)
		}
	})
}
