package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"k8s.io/client-go/util/jsonpath"

	"github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
)

// web asks any address over HTTP.
type web struct {
	clients *clients
}

// measure sends the metric's request. The value is what its jsonPath finds in
// the answer: as JSON has it, numbers as float64. An answer that is not JSON is
// a text. Other than in Argo conditions judge a text too: there an error page is
// a success.
func (w *web) measure(ctx context.Context, m api.Metric, _ Subject) (run.Value, error) {
	q := m.Provider.Web
	ctx, cancel := context.WithTimeout(ctx, q.Timeout())
	defer cancel()
	request, err := newRequest(ctx, q)
	if err != nil {
		return run.Value{}, err
	}
	client, err := w.clients.client(ctx, q.Insecure, q.Authentication)
	if err != nil {
		return run.Value{}, err
	}
	body, err := ask(client, request)
	if err != nil {
		return run.Value{}, err
	}
	return webValue(m, body)
}

// newRequest makes the request of a metric.
func newRequest(ctx context.Context, q *api.WebMetric) (*http.Request, error) {
	method := q.Method
	if method == "" {
		method = http.MethodGet
	}
	var body io.Reader
	switch {
	case q.Body != "" && q.JSONBody != nil:
		return nil, errors.New("body and jsonBody exclude each other")
	case (q.Body != "" || q.JSONBody != nil) && method == http.MethodGet:
		return nil, errors.New("a GET has no body: set the method to POST or PUT")
	case q.Body != "":
		body = strings.NewReader(q.Body)
	case q.JSONBody != nil:
		body = bytes.NewReader(q.JSONBody)
	}
	r, err := http.NewRequestWithContext(ctx, method, q.URL, body)
	if err != nil {
		return nil, err
	}
	setHeaders(r, q.Headers)
	if q.JSONBody != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}

// webValue gives the part of an answer that a metric asks for.
func webValue(m api.Metric, body []byte) (run.Value, error) {
	path := m.Provider.Web.JSONPath
	var tree any
	if err := json.Unmarshal(body, &tree); err != nil {
		v := run.Value{Result: string(body), Text: string(body)}
		switch {
		case m.Compat == api.CompatArgo:
			v.Phase = api.AnalysisSuccessful
		case path != "":
			return run.Value{}, fmt.Errorf("the answer is not JSON, and jsonPath asks for a part of it: %w", err)
		}
		return v, nil
	}
	if path == "" {
		path = "{$}"
	}
	value, err := part(tree, path)
	if err != nil {
		return run.Value{}, fmt.Errorf("jsonPath %q: %w", path, err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return run.Value{}, fmt.Errorf("encoding the value: %w", err)
	}
	return run.Value{Result: value, Text: string(text)}, nil
}

// part gives the first value that a path finds.
func part(tree any, path string) (value any, err error) {
	// The library panics on some paths, which come from users.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	parser := jsonpath.New("metric")
	if err := parser.Parse(path); err != nil {
		return nil, err
	}
	found, err := parser.FindResults(tree)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(found...)
	switch {
	case len(all) == 0:
		return nil, errors.New("it finds nothing")
	case !all[0].IsValid():
		return nil, nil // null: no data
	}
	return all[0].Interface(), nil
}
