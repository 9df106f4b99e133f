package kube_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/store/kube"
)

// TestRuns: a run is written when it has changed, what the Rollout keeps no more is
// deleted, and so is what an earlier server left; what failed is tried again.
func TestRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "serin.dev/v1alpha1", "kind": "AnalysisRun",
			"metadata": map[string]any{"name": "left", "namespace": "default", "labels": map[string]any{"app.kubernetes.io/managed-by": "serin", "rollout": "shop"}}}}
		client := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
			map[schema.GroupVersionResource]string{{Group: "serin.dev", Version: "v1alpha1", Resource: "analysisruns"}: "AnalysisRunList"}, left)
		var did []string
		failures := 1
		client.PrependReactor("*", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
			text := a.GetVerb()
			switch a := a.(type) {
			case clienttesting.PatchAction:
				text = strings.TrimSpace("write " + a.GetName() + " " + a.GetSubresource())
				if failures > 0 && a.GetSubresource() == "status" {
					failures--
					return true, nil, context.DeadlineExceeded
				}
				did = append(did, text)
				return true, left.DeepCopy(), nil
			case clienttesting.DeleteAction:
				text = "delete " + a.GetName()
			}
			did = append(did, text)
			return false, nil, nil
		})
		run := func(name string, phase api.AnalysisPhase) *api.AnalysisRun {
			return &api.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Status: api.AnalysisRunStatus{Phase: phase}}
		}
		var now []*api.AnalysisRun
		events := make(chan []api.Event)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		runs := kube.NewRuns(client, func(context.Context, api.Key) ([]*api.AnalysisRun, error) { return now, nil }, slog.New(slog.DiscardHandler))
		go func() {
			done <- runs.Run(ctx, func(ctx context.Context) ([]api.Event, error) {
				select {
				case e := <-events:
					return e, nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			})
		}()
		shows := func(what string, want ...string) {
			t.Helper()
			events <- []api.Event{{Type: "rollout", Rollout: &api.Rollout{TypeMeta: metav1.TypeMeta{APIVersion: "serin.dev/v1alpha1", Kind: "Rollout"},
				ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop", UID: "u"}}}}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if !slices.Equal(did, want) {
				t.Errorf("%s: did %q, want %q", what, did, want)
			}
			did = nil
		}
		now = []*api.AnalysisRun{run("a", "Running")}
		shows("a failure", "list", "write a", "write a", "write a status", "delete left")
		shows("no news")
		now = []*api.AnalysisRun{run("a", "Successful"), run("b", "Running")}
		shows("news", "write a", "write a status", "write b", "write b status")
		now = now[1:]
		shows("one is not kept", "delete a")
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
