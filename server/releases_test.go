package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
	"github.com/serin-mesh/serin/server"
)

func spring() *api.Release {
	r := &api.Release{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "spring"}}
	r.Spec.Rollouts = []api.ReleaseMember{{Name: "shop"}}
	return r.WithStatus(api.ReleaseStatus{Phase: api.PhasePaused, Members: []api.ReleaseMemberStatus{{Name: "shop", Phase: api.PhasePaused, Version: "v2"}}})
}

// answer is the status and the body of a request on a fake.
func answer(t *testing.T, f *fake, method, path, body string) (int, string) {
	t.Helper()
	w := ask(f, request(t, method, path, body))
	return w.Code, w.Body.String()
}

func TestReleases(t *testing.T) {
	f := &fake{releases: []*api.Release{spring()}}
	var list server.Items[api.Release]
	if code, body := answer(t, f, http.MethodGet, "/api/v1/releases", ""); code != 200 || json.Unmarshal([]byte(body), &list) != nil || len(list.Items) != 1 {
		t.Errorf("%d %s", code, body)
	}
	var one api.Release
	if code, body := answer(t, f, http.MethodGet, "/api/v1/releases/spring", ""); code != 200 || json.Unmarshal([]byte(body), &one) != nil || one.Status.Members[0].Version != "v2" {
		t.Errorf("%d %s", code, body)
	}
	if code, body := answer(t, f, http.MethodPost, "/api/v1/releases/spring/abort", `{"reason": "enough"}`); code != 200 || !strings.Contains(body, "spring") {
		t.Errorf("%d %s", code, body)
	}
	if len(f.acted) != 1 || f.acted[0].Verb != "abort" || f.acted[0].Reason != "enough" || f.actKey.Name != "spring" {
		t.Errorf("acted %+v on %s", f.acted, f.actKey)
	}
	for _, c := range []struct {
		err          error
		method, path string
		want         int
	}{
		{nil, http.MethodGet, "/api/v1/releases/autumn", 404},
		{nil, http.MethodPost, "/api/v1/releases/autumn/abort", 404},
		{fmt.Errorf("%w to any", control.ErrNotApplicable), http.MethodPost, "/api/v1/releases/spring/abort", 409},
		{errors.New("the disk is full"), http.MethodGet, "/api/v1/releases", 500},
		{nil, http.MethodPost, "/api/v1/releases/spring/burn", 404},
	} {
		f.err = c.err
		body := ""
		if c.method == http.MethodPost {
			body = "{}"
		}
		if code, text := answer(t, f, c.method, c.path, body); code != c.want {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, code, c.want, text)
		}
	}
}

func TestAnalysisRuns(t *testing.T) {
	runs := []*api.AnalysisRun{{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop-v2-1-1"}}}
	f := &fake{rollouts: []*api.Rollout{shop("default")}, runs: runs}
	for _, path := range []string{"/api/v1/rollouts/shop/analysisruns", "/api/v1/rollouts/shop/explain"} {
		if code, body := answer(t, f, http.MethodGet, path, ""); code != 200 || !strings.Contains(body, "shop-v2-1-1") {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if code, _ := answer(t, f, http.MethodGet, "/api/v1/rollouts/none/analysisruns", ""); code != 404 {
		t.Errorf("of none: %d", code)
	}
}

// TestChoicesAtACheck: promote goes past a check that runs.
func TestChoicesAtACheck(t *testing.T) {
	r := shop("default")
	c := r.Spec.Strategy.Canary
	c.Steps = append(c.Steps, api.CanaryStep{Prove: &api.Prove{}})
	r.Status.Phase, r.Status.CurrentStepIndex = api.PhaseProgressing, 2
	_, body := answer(t, &fake{rollouts: []*api.Rollout{r}}, http.MethodGet, "/api/v1/rollouts/shop/explain", "")
	var e api.Explanation
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Choices) == 0 || e.Choices[0].Action != "promote" || e.Choices[0].Full || e.Choices[0].Does != "ends step 2, whatever it waits for" {
		t.Errorf("choices %+v", e.Choices)
	}
}
