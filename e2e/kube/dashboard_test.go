//go:build kube

package kube_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/internal/lab"
)

// dashboard is Argo's own, as its plugin serves it.
type dashboard struct {
	*adoption
	url string
}

// shown is what the dashboard's page is told of a Rollout.
type shown struct {
	Status, Step, SetWeight, ActualWeight string
	ReplicaSets                           []struct {
		Stable, Canary bool
		Images         []string
	}
	Experiments []struct {
		Status       string
		ReplicaSets  []struct{ Status string }
		AnalysisRuns []struct{ Status string }
	}
}

// newDashboard starts it.
func newDashboard(a *adoption) *dashboard {
	a.Helper()
	port, err := lab.FreePort()
	if err != nil {
		a.Fatal(err)
	}
	path, err := kubelab.Tool("SERIN_ARGO", "scripts/argo.sh")
	if err != nil {
		a.Fatal(err)
	}
	config, err := a.cluster.Kubeconfig(kubelab.Admin)
	if err != nil {
		a.Fatal(err)
	}
	cmd := exec.CommandContext(a.ctx, path, "dashboard", "--port", fmt.Sprint(port))
	cmd.Env = append(os.Environ(), "KUBECONFIG="+config, "HOME="+a.TempDir())
	if err := cmd.Start(); err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return &dashboard{a, fmt.Sprintf("http://127.0.0.1:%d/rollouts/api/v1/rollouts/default/shop", port)}
}

// get reads what the page is told of the Rollout first; false: nothing is yet.
func (d *dashboard) get() (s shown, ok bool) {
	ctx, cancel := context.WithTimeout(d.ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/info/watch", http.NoBody)
	if err != nil {
		d.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, false
	}
	defer resp.Body.Close()
	var told struct{ Result shown }
	ok = resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(&told) == nil
	return told.Result, ok
}

// press is what a button of the page sends. To some this dashboard does what it is asked
// and never answers: its page does not wait for that, and neither do we.
func (d *dashboard) press(action, body string) {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, d.url+"/"+action, strings.NewReader(body))
	if err != nil {
		d.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if errors.Is(err, context.DeadlineExceeded) {
		return
	}
	if err != nil {
		d.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		d.Fatalf("%s: %s\n%s", action, resp.Status, text)
	}
}

// TestArgoDashboard: Argo's dashboard shows what Serin runs, its experiment too, and its
// buttons do what they say.
func TestArgoDashboard(t *testing.T) {
	a := newAdoption(t)
	a.apply(strings.Replace(adopted("shop", "1"), "steps: [", "steps: [{experiment: {templates: [{name: new, specRef: canary}], duration: 1h}}, ", 1))
	a.serve("shop")
	v1 := a.healthy("shop", "", false).StableRS
	d := newDashboard(a)
	until := func(what string, is func(shown) bool) {
		t.Helper()
		a.until(what, func() bool { s, ok := d.get(); return ok && is(s) })
	}
	until("it is healthy", func(s shown) bool {
		return s.Status == "Healthy" && s.Step == "5/5" && len(s.ReplicaSets) == 1 && s.ReplicaSets[0].Stable && slices.Contains(s.ReplicaSets[0].Images, "shop:1")
	})
	d.press("set/main/shop/2", `{"namespace": "default", "rollout": "shop", "container": "main", "image": "shop", "tag": "2"}`)
	until("its experiment runs", func(s shown) bool {
		return s.Status == "Progressing" && s.Step == "0/5" && len(s.Experiments) == 1 && s.Experiments[0].Status == "Running" && len(s.Experiments[0].ReplicaSets) == 1
	})
	d.press("promote", "{}")
	a.pausedAt("shop", 2, 40)
	until("it is paused", func(s shown) bool {
		return s.Status == "Paused" && s.Step == "2/5" && s.SetWeight == "40" && s.ActualWeight == "40" && s.Experiments[0].Status == "Successful"
	})
	d.press("abort", "{}")
	until("it is degraded", func(s shown) bool { return s.Status == "Degraded" })
	d.press("retry", "{}")
	until("it has begun again", func(s shown) bool { return s.Status == "Progressing" && s.Step == "0/5" })
	d.press("undo/1", "{}")
	a.healthy("shop", v1, true)
	d.press("set/main/shop/3", `{"namespace": "default", "rollout": "shop", "container": "main", "image": "shop", "tag": "3"}`)
	until("the next one has begun", func(s shown) bool { return s.Status == "Progressing" })
	d.press("promote", `{"full": true}`)
	a.healthy("shop", v1, false)
	d.press("restart", "{}")
	a.until("its pods are new", func() bool { return a.field("shop", ".status.restartedAt") != "" })
	a.journaled("shop", map[string]string{"Aborted": plugin, "CanaryStarted": plugin, "PromotedFull": plugin})
}
