package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/server"
)

// fake is a Control with fixed answers. It notes what it was asked to do.
type fake struct {
	rollouts []*api.Rollout
	journal  []api.JournalEntry
	envoys   []api.Envoy
	findings []api.Finding
	runs     []*api.AnalysisRun
	releases []*api.Release
	outlook  []api.Reach
	err      error // of every question and action, where not nil
	watch    chan []api.Event

	mu     sync.Mutex // guards acted
	acted  []api.Action
	actKey api.Key
}

// shop is a Rollout half way.
func shop(namespace string) *api.Rollout {
	w := api.Decimal(200_000)
	r := &api.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop"}}
	r.Spec.Strategy.Canary = &api.Canary{Steps: []api.CanaryStep{{SetWeight: &w}, {Pause: &api.Pause{}}}}
	r.Status = api.RolloutStatus{
		Phase: api.PhasePaused, CurrentStepIndex: 1, StableRS: "v1", CurrentPodHash: "v2",
		Canary: api.CanaryStatus{Weights: api.TrafficWeights{
			Canary: api.WeightDestination{Weight: 20, PodTemplateHash: "v2"},
			Stable: api.WeightDestination{Weight: 80, PodTemplateHash: "v1"},
		}},
		Fleet: api.FleetStatus{Connected: 3, Acked: 2, Away: 1},
		Observed: map[string]api.VersionCounts{
			"v1": {Requests: 80, Errors: 1, Share: 0.8}, "v2": {Requests: 20, Share: 0.2},
		},
		Evidence: []api.Evidence{{Metric: "error-rate", Judge: "guard", Evidence: 1.5, Threshold: 2000}},
	}
	return r
}

func (f *fake) Releases(_ context.Context, namespace string) ([]*api.Release, error) {
	var out []*api.Release
	for _, r := range f.releases {
		if namespace == "" || r.Key().Namespace == namespace {
			out = append(out, r)
		}
	}
	return out, f.err
}

func (f *fake) Release(_ context.Context, key api.Key) (*api.Release, error) {
	for _, r := range f.releases {
		if r.Key() == key && f.err == nil {
			return r, nil
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	return nil, fmt.Errorf("%w: %s", control.ErrNoRelease, key)
}

func (f *fake) ActRelease(ctx context.Context, key api.Key, a api.Action) (*api.Release, error) {
	f.mu.Lock()
	f.acted, f.actKey = append(f.acted, a), key
	f.mu.Unlock()
	return f.Release(ctx, key)
}

func (f *fake) Outlook(context.Context, api.Key) ([]api.Reach, error) { return f.outlook, f.err }

func (f *fake) AnalysisRuns(_ context.Context, key api.Key) ([]*api.AnalysisRun, error) {
	if f.err != nil {
		return nil, f.err
	}
	if len(f.rollouts) == 0 || f.rollouts[0].Key() != key {
		return nil, fmt.Errorf("%w: %s", control.ErrNotFound, key)
	}
	return f.runs, nil
}

func (f *fake) Rollouts(_ context.Context, namespace string) ([]*api.Rollout, error) {
	var out []*api.Rollout
	for _, r := range f.rollouts {
		if namespace == "" || r.Namespace == namespace {
			out = append(out, r)
		}
	}
	return out, f.err
}

func (f *fake) Rollout(_ context.Context, key api.Key) (*api.Rollout, error) {
	for _, r := range f.rollouts {
		if r.Key() == key {
			return r, f.err
		}
	}
	return nil, fmt.Errorf("%w: %s", control.ErrNotFound, key)
}

func (f *fake) Act(ctx context.Context, key api.Key, a api.Action) (*api.Rollout, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.actKey, f.acted = key, append(f.acted, a)
	return f.Rollout(ctx, key)
}

func (f *fake) FreezeAll(_ context.Context, a api.Action) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.actKey, f.acted = api.Key{}, append(f.acted, a)
	return f.err
}

func (f *fake) History(ctx context.Context, key api.Key) ([]api.JournalEntry, error) {
	if _, err := f.Rollout(ctx, key); err != nil {
		return nil, err
	}
	return f.journal, nil
}

func (f *fake) Envoys() []api.Envoy { return f.envoys }

func (f *fake) Findings(context.Context) ([]api.Finding, error) { return f.findings, f.err }

func (f *fake) Watch(context.Context) (server.Watch, error) { return watch(f.watch), f.err }

// watch gives the batches of a channel.
type watch chan []api.Event

func (w watch) Next(ctx context.Context) ([]api.Event, error) {
	select {
	case events := <-w:
		return events, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// request makes a request to this machine; fields are header lines.
func request(t *testing.T, method, path, body string, fields ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:18080"
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		if name == "" {
			continue
		}
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Del(name)
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	return r
}

// ask answers a request as a loopback listener without tokens does.
func ask(f *fake, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	server.New(server.Options{Control: f}).Handler(true).ServeHTTP(w, r)
	return w
}
