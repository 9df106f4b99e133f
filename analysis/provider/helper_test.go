package provider

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newTestSet makes a set that is closed with the test.
func newTestSet(t *testing.T, o Options) *Set {
	s := New(o)
	t.Cleanup(s.Close)
	return s
}

// serve starts a server that answers with a function.
func serve(t *testing.T, handler http.HandlerFunc) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// answers makes a handler that always says the same.
func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// hangs is a handler that says nothing until the asker is gone.
func hangs(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// floods is a handler that never stops talking.
func floods(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[`)
	line := strings.Repeat(`{"metric":{"a":"b"},"value":[1,"1"]},`, 1000)
	for {
		if _, err := io.WriteString(w, line); err != nil {
			return
		}
	}
}

// transport answers requests in memory.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return t(r)
}

// reply makes an answer in memory.
func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// inMemory makes a set that asks a function.
func inMemory(o Options, t transport) *Set { return newSet(o, newClients(t, t)) }

// soon is a context that ends at once, for sources that never answer.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// noSecrets is for metrics that name none.
func noSecrets(string, string) (string, error) { return "", errors.New("there are no secrets") }

// says reports whether an error has a text, or is none for none.
func says(err error, want string) bool {
	if want == "" {
		return err == nil
	}
	return err != nil && strings.Contains(err.Error(), want)
}

func TestTake(t *testing.T) {
	got := make(chan string, 1)
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Authorization")
		_, _ = io.WriteString(w, `{"rate": 0.5, "echo": "`+r.Header.Get("Authorization")+`"}`)
	})
	set := newTestSet(t, Options{})
	task := run.Task{Metric: api.Metric{Name: "m", SuccessCondition: "result.rate < {{args.most}}", Provider: api.MetricProvider{Web: &api.WebMetric{
		URL: address, Headers: []api.WebHeader{{Key: "Authorization", Value: "Bearer {{args.token}}"}},
	}}}}
	most := "1"
	args := []api.Argument{
		{Name: "most", Value: &most},
		{Name: "token", ValueFrom: &api.ValueFrom{SecretKeyRef: &api.SecretKeyRef{Name: "s", Key: "k"}}},
	}
	r := set.Take(t.Context(), task, args, func(name, key string) (string, error) { return "of-" + name + "-" + key, nil }, Subject{})
	if sent := <-got; sent != "Bearer of-s-k" {
		t.Errorf("sent %q", sent)
	}
	if r.Phase != api.AnalysisSuccessful || r.Value != `{"echo":"Bearer *****","rate":0.5}` {
		t.Errorf("got %+v", r)
	}
	if r := set.Take(t.Context(), task, args, noSecrets, Subject{}); !r.Unusable || r.Phase != api.AnalysisError || !strings.Contains(r.Message, "there are no secrets") {
		t.Errorf("without the secret: %+v", r)
	}
}

func TestMeasureNeedsOneProvider(t *testing.T) {
	set := newTestSet(t, Options{})
	for _, tt := range []struct {
		provider api.MetricProvider
		want     string
	}{
		{api.MetricProvider{}, "it has 0 providers"},
		{api.MetricProvider{Web: &api.WebMetric{}, Job: &api.JobMetric{}}, "it has 2 providers"},
		{api.MetricProvider{Datadog: []byte(`{}`)}, "the provider datadog is not supported; web reaches it"},
	} {
		if _, err := set.Measure(t.Context(), api.Metric{Name: "m", Provider: tt.provider}, Subject{}); !says(err, `measuring "m": `+tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}
