package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	promapi "github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

const (
	// defaultPromTimeout is Argo's.
	defaultPromTimeout = 30 * time.Second
	// resolvedQuery names the query in a metric's metadata, as Argo does.
	resolvedQuery = "ResolvedPrometheusQuery"
)

// prometheus asks Prometheus servers.
type prometheus struct {
	clients *clients
	address string // where a metric has none
}

// measure asks a query. A scalar is a float64, a vector and a range a []float64
// of all values, in the order of the answer.
func (p *prometheus) measure(ctx context.Context, m api.Metric, _ Subject) (run.Value, error) {
	q := m.Provider.Prometheus
	timeout := defaultPromTimeout
	if q.Timeout != nil && *q.Timeout != 0 {
		timeout = time.Duration(*q.Timeout) * time.Second
	}
	if timeout < 0 {
		return run.Value{}, fmt.Errorf("timeout is %d seconds", *q.Timeout)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	server, err := p.server(ctx, q)
	if err != nil {
		return run.Value{}, err
	}
	answer, warnings, err := query(ctx, server, q)
	if err != nil {
		return run.Value{}, err
	}
	v, err := promValue(answer)
	if len(warnings) > 0 {
		v.Metadata = map[string]string{"warnings": strings.Join(warnings, "; ")}
	}
	v.About = map[string]string{resolvedQuery: q.Query}
	return v, err
}

// server gives the API of a metric's server.
func (p *prometheus) server(ctx context.Context, q *api.PrometheusMetric) (promv1.API, error) {
	address := q.Address
	if address == "" {
		address = p.address
	}
	at, err := url.Parse(address)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, fmt.Errorf("address %q: want http(s)://HOST[:PORT]", address)
	}
	client, err := p.clients.client(ctx, q.Insecure, q.Authentication)
	if err != nil {
		return nil, err
	}
	client.Transport = &withHeaders{client.Transport, at.Host, q.Headers}
	c, err := promapi.NewClient(promapi.Config{Address: address, Client: client})
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", address, err)
	}
	return promv1.NewAPI(c), nil
}

// withHeaders adds a metric's headers to requests to its own server, and not to
// where that redirects.
type withHeaders struct {
	next    http.RoundTripper
	host    string
	headers []api.WebHeader
}

// RoundTrip sends a request. Source: http.RoundTripper.
func (w *withHeaders) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(w.headers) > 0 && r.URL.Host == w.host {
		r = r.Clone(r.Context())
		setHeaders(r, w.headers)
	}
	return w.next.RoundTrip(r)
}

// query asks for the value of now, or for those of a range.
func query(ctx context.Context, server promv1.API, q *api.PrometheusMetric) (model.Value, promv1.Warnings, error) {
	if q.RangeQuery == nil {
		v, warnings, _, err := server.Query(ctx, q.Query, time.Now())
		return v, warnings, err
	}
	var r promv1.Range
	var err error
	if r.Start, err = timeOf(q.RangeQuery.Start); err != nil {
		return nil, nil, fmt.Errorf("rangeQuery.start: %w", err)
	}
	if r.End, err = timeOf(q.RangeQuery.End); err != nil {
		return nil, nil, fmt.Errorf("rangeQuery.end: %w", err)
	}
	if r.Step, err = q.RangeQuery.Step.Duration(); err != nil {
		return nil, nil, fmt.Errorf("rangeQuery.step: %w", err)
	}
	if r.Step <= 0 || r.End.Before(r.Start) {
		return nil, nil, fmt.Errorf("rangeQuery is from %v to %v by %v", r.Start, r.End, r.Step)
	}
	v, warnings, _, err := server.QueryRange(ctx, q.Query, r)
	return v, warnings, err
}

// timeOf evaluates an expression that gives a time.
func timeOf(expression string) (time.Time, error) {
	program, err := expr.Compile(expression, expr.Env(map[string]any{}))
	if err != nil {
		return time.Time{}, err
	}
	out, err := expr.Run(program, map[string]any{})
	if err != nil {
		return time.Time{}, err
	}
	t, ok := out.(time.Time)
	if !ok {
		return time.Time{}, fmt.Errorf("%q gives %T, not a time", expression, out)
	}
	return t, nil
}

// promValue gives an answer as conditions see it.
func promValue(answer model.Value) (run.Value, error) {
	var samples []model.SampleValue
	switch a := answer.(type) {
	case *model.Scalar:
		return run.Value{Result: float64(a.Value), Text: a.Value.String()}, nil
	case model.Vector:
		for _, s := range a {
			if s.Histogram != nil {
				return run.Value{}, errors.New("the answer has native histograms: ask for a quantile of them")
			}
			samples = append(samples, s.Value)
		}
	case model.Matrix:
		for _, series := range a {
			for _, s := range series.Values {
				samples = append(samples, s.Value)
			}
		}
	default:
		return run.Value{}, fmt.Errorf("the answer is of the type %T, want a number or numbers", answer)
	}
	return samplesValue(samples), nil
}

// samplesValue gives numbers as conditions see them.
func samplesValue(samples []model.SampleValue) run.Value {
	values := make([]float64, len(samples))
	var text strings.Builder
	for i, s := range samples {
		values[i] = float64(s)
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(s.String())
	}
	return run.Value{Result: values, Text: "[" + text.String() + "]"}
}
