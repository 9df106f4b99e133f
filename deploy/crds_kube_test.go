//go:build kube

package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/crd"
	"github.com/serin-mesh/serin/internal/kubelab"
)

// client gives a client of any kind.
func (p *place) client() dynamic.Interface {
	p.Helper()
	c, err := dynamic.NewForConfig(p.cluster.Config(kubelab.Admin))
	if err != nil {
		p.Fatal(err)
	}
	return c
}

// resource gives the client of one of our kinds.
func (p *place) resource(kind string) dynamic.ResourceInterface {
	p.Helper()
	for _, k := range crd.Kinds {
		if k.Name != kind {
			continue
		}
		r := p.client().Resource(schema.GroupVersionResource{Group: crd.Group, Version: "v1alpha1", Resource: k.Plural})
		if k.Cluster {
			return r
		}
		return r.Namespace(p.namespace)
	}
	p.Fatalf("there is no kind %q", kind)
	return nil
}

// dryCreate has the API server say what it thinks of an object, unknown fields
// included.
func (p *place) dryCreate(o *unstructured.Unstructured) error {
	p.Helper()
	o = o.DeepCopy()
	o.SetNamespace("")
	_, err := p.resource(o.GetKind()).Create(p.ctx, o, metav1.CreateOptions{
		DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
	return err
}

// TestForms is the table of what the API server takes and what it refuses, with
// what it says.
func TestForms(t *testing.T) {
	p := newPlace(t, "forms")
	const rollout = "apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: shop}\nspec: "
	const template = "template: {metadata: {labels: {app.kubernetes.io/version: v1}, creationTimestamp: null}, " +
		"spec: {containers: [{name: shop, image: 'shop:1'}], anything: [1]}}"
	canary := func(fields string) string {
		return rollout + "{" + template + ", strategy: {canary: {" + fields + "}}}"
	}
	steps := func(list string) string { return canary("steps: [" + list + "]") }
	analysis := func(metric string) string {
		return "apiVersion: serin.dev/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: a}\nspec: {metrics: [{" + metric + "}]}"
	}
	tests := []struct{ text, says string }{ // "" is taken
		{steps("{setWeight: 12.5}, {pause: {}}, {pause: {duration: 10}}, {pause: {duration: 10m}}, {pause: {requests: 500}}"), ""},
		{steps("{setWeight: 0}, {setWeight: 100}"), ""},
		{steps("{setHeaderRoute: {name: a, match: [{headerName: h, headerValue: {exact: x}}]}, setWeight: 5}"), ""},
		{steps("{setCanaryScale: {weight: 5}, setWeight: 5}, {setCanaryScale: {matchTrafficWeight: true}}"), ""},
		{steps("{prove: {}}, {gate: {web: {url: 'http://x/'}}}, {analysis: {templates: [{templateName: a}]}}"), ""},
		{steps("{experiment: {templates: [{name: a, specRef: stable}], duration: 1m}}"), ""},
		{canary("steps: [{setWeight: 1000}], trafficRouting: {maxTrafficWeight: 1000, istio: {virtualService: {name: x}}}"), ""},
		{canary("maxSurge: 25%, maxUnavailable: 1, guard: {mode: observe, warmup: 30, confidence: 0.99}"), ""},
		{canary("antiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}"), ""},
		{rollout + "{workloadRef: {apiVersion: apps/v1, kind: Deployment, name: shop}, strategy: {canary: {}}}", ""},
		{analysis("name: m, count: 3, interval: 10s, failureLimit: '{{args.x}}', provider: {web: {url: 'http://x', jsonBody: [1]}}"), ""},
		{analysis("name: m, provider: {job: {spec: {template: {spec: {containers: []}}}}}"), ""},

		{rollout + "{" + template + ", strategy: {blueGreen: {activeService: a}}}", "Serin runs canaries only"},
		{rollout + "{" + template + ", strategy: {}}", "the Rollout has no strategy; add canary"},
		{rollout + "{" + template + "}", "spec.strategy: Required"},
		{rollout + "{strategy: {canary: {}}}", "the Rollout has no template"},
		{canary("stepps: []"), `unknown field "spec.strategy.canary.stepps"`},
		{steps("{setWait: 5}"), "unknown field"},
		{steps("{}"), "should have at least 1 properties"},
		{steps("{setWeight: 5, pause: {}}"), "write exactly one kind of step"},
		{steps("{plugin: {name: x}}"), "Serin runs no step plugins"},
		{steps("{setWeight: -1}"), "should be greater than or equal to 0"},
		{steps("{setWeight: 101}"), "a weight is above maxTrafficWeight"},
		{canary("steps: [{setWeight: 1001}], trafficRouting: {maxTrafficWeight: 1000}"), "a weight is above maxTrafficWeight"},
		{canary("trafficRouting: {maxTrafficWeight: 0}"), "should be greater than or equal to 1"},
		{steps("{setWeight: '5'}"), "must be of type number"},
		{steps("{pause: {duration: soon}}"), "spec.strategy.canary.steps[0].pause.duration"},
		{steps("{pause: {duration: 10s, requests: 5}}"), "a pause waits for a duration or for requests"},
		{steps("{pause: {requests: 0}}"), "should be greater than or equal to 1"},
		{canary("guard: {mode: loud}"), "Unsupported value"},
		{canary("guard: {confidence: 1}"), "should be less than 1"},
		{steps("{setHeaderRoute: {match: []}}"), "setHeaderRoute.name: Required"},
		{analysis("name: m, provider: {}"), "write exactly one provider"},
		{analysis("name: m, provider: {datadog: {query: x}}"), "Serin does not run this provider"},
		{analysis("provider: {envoy: {metric: errorRatio}}"), "name: Required"},
		{"apiVersion: serin.dev/v1alpha1\nkind: Release\nmetadata: {name: r}\nspec: {rollouts: [{name: a}, {name: a}]}", "Duplicate"},
		{"apiVersion: serin.dev/v1alpha1\nkind: Release\nmetadata: {name: r}\nspec: {rollouts: []}", "at least 1 items"},
	}
	for _, tt := range tests {
		err := p.dryCreate(documents(t, tt.text)[0])
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s\nthe API server says %v, want %q", tt.text, err, tt.says)
		}
	}
}

// refusesLess are the kinds whose manifests are read.
var refusesLess = regexp.MustCompile(`(?m)^kind: (Rollout|AnalysisTemplate|ClusterAnalysisTemplate|AnalysisRun|Experiment|Release)\s*$`)

// TestTakesWhatValidateTakes: of every manifest of Argo's, and of our own, the
// API server takes each object that is without an error by itself.
func TestTakesWhatValidateTakes(t *testing.T) {
	p := newPlace(t, "manifests")
	taken := 0
	for name, text := range manifests(t) {
		docs, findings := api.Decode(name, []byte(text))
		if api.HasErrors(findings) || len(docs) == 0 {
			continue
		}
		for _, o := range documents(t, text) {
			if !refusesLess.MatchString("kind: " + o.GetKind()) {
				continue
			}
			o.SetAPIVersion("serin.dev/v1alpha1")
			unstructured.RemoveNestedField(o.Object, "status")
			if o.GetName() == "" {
				o.SetName("generated")
			}
			if err := p.dryCreate(o); err != nil {
				t.Errorf("%s: %s %s: %v", name, o.GetKind(), o.GetName(), err)
			}
			taken++
		}
	}
	if taken < 100 {
		t.Errorf("only %d objects were found", taken)
	}
}

// manifests gives the texts of Argo's examples and e2e tests and of ours, by name.
func manifests(t *testing.T) map[string]string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", "github.com/argoproj/argo-rollouts@v1.10.0")
	cmd.Dir = t.TempDir() // outside of this module
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOSUMDB=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("downloading Argo Rollouts: %v %s", err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, root := range []string{module.Dir + "/examples", module.Dir + "/test/e2e", "analysis", "../envoy-configs"} {
		err := filepath.WalkDir(root, func(file string, _ os.DirEntry, err error) error {
			if err != nil || filepath.Ext(file) != ".yaml" && filepath.Ext(file) != ".yml" {
				return err
			}
			data, err := os.ReadFile(file)
			if refusesLess.Match(data) {
				all[file] = string(data)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestStatusSurvives: a status with every field set, and one with none, comes back
// as it was written; so does a field of a later version.
func TestStatusSurvives(t *testing.T) {
	p := newPlace(t, "statuses")
	for kind, spec := range map[string]string{
		"Rollout":     "{workloadRef: {kind: Deployment, name: a}, strategy: {canary: {}}}",
		"AnalysisRun": "{metrics: [{name: m, provider: {envoy: {metric: errorRatio}}}]}",
		"Experiment":  "{templates: []}",
		"Release":     "{rollouts: [{name: a}]}",
	} {
		of := map[string]any{"Rollout": &api.RolloutStatus{}, "AnalysisRun": &api.AnalysisRunStatus{},
			"Experiment": &api.ExperimentStatus{}, "Release": &api.ReleaseStatus{}}[kind]
		head := fmt.Sprintf("apiVersion: serin.dev/v1alpha1\nkind: %s\nmetadata: {name: x}\nspec: %s", kind, spec)
		made, err := p.resource(kind).Create(p.ctx, documents(t, head)[0], metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, fill := range []bool{false, true} {
			if fill {
				set(reflect.ValueOf(of).Elem(), 1)
			}
			want := map[string]any{}
			if err := json.Unmarshal([]byte(marshal(t, of)), &want); err != nil {
				t.Fatal(err)
			}
			want["ofALaterVersion"] = map[string]any{"a": []any{"b"}}
			made.Object["status"] = want
			if made, err = p.resource(kind).UpdateStatus(p.ctx, made, metav1.UpdateOptions{FieldValidation: metav1.FieldValidationStrict}); err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if diff := cmp.Diff(marshal(t, want), marshal(t, made.Object["status"])); diff != "" {
				t.Errorf("%s: the status came back otherwise: %s", kind, diff)
			}
		}
	}
}

// set gives every field below v a value that is not zero.
func set(v reflect.Value, n int) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		set(v.Elem(), n)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				set(v.Field(i), n+i)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		set(v.Index(0), n)
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		set(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), value)
	case reflect.String:
		v.SetString(fmt.Sprintf("text-%d", n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(n) + 0.5)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Uint64:
		v.SetUint(uint64(n))
	}
}

// TestKubectl: what people do with a Rollout works with kubectl: its columns,
// scale, wait, explain, categories and short names.
func TestKubectl(t *testing.T) {
	p := newPlace(t, "kubectl")
	p.kubectlOn(`
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: shop, image: "shop:1"}]}}
  strategy: {canary: {steps: [{setWeight: 12.5}, {pause: {}}]}}
`, "apply", "-f", "-")
	if got := p.kubectl("get", "sro", "shop", "-o", "jsonpath={.spec.replicas}"); got != "1" {
		t.Errorf("without replicas it has %q", got)
	}
	p.kubectl("patch", "rollouts.serin.dev", "shop", "--subresource", "status", "--type", "merge", "-p", `{"status": {
		"phase": "Paused", "currentStepIndex": 1, "currentPodHash": "6c5", "stableRS": "5b4", "HPAReplicas": 3,
		"selector": "app=shop", "readyReplicas": 3, "message": "CanaryPauseStep",
		"canary": {"weights": {"canary": {"weight": 12.5}, "stable": {"weight": 87.5}}},
		"fleet": {"connected": 3, "acked": 2, "rejected": 0, "quarantined": 0, "away": 0},
		"conditions": [{"type": "Healthy", "status": "False"}]}}`)

	table := func(args ...string) (head, row []string) {
		t.Helper()
		lines := strings.Split(p.kubectl(args...), "\n")
		return strings.Fields(lines[0]), strings.Fields(lines[1])
	}
	head, row := table("get", "sro", "shop")
	if diff := cmp.Diff([]string{"NAME", "PHASE", "STEP", "WEIGHT", "ACKED", "FLEET", "VERSION", "AGE"}, head); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"shop", "Paused", "1", "12.5", "2", "3", "6c5"}, row[:7]); diff != "" {
		t.Error(diff)
	}
	if head, row = table("get", "serin", "-o", "wide"); !strings.Contains(strings.Join(head, " "), "STABLE READY MESSAGE") ||
		!strings.Contains(strings.Join(row, " "), "5b4 3 CanaryPauseStep") {
		t.Errorf("wide: %q %q", head, row)
	}
	if got := p.kubectl("explain", "rollouts.serin.dev.spec.strategy.canary.guard"); !strings.Contains(got, "confidence") {
		t.Errorf("explain says %s", got)
	}
	p.scale()
	p.wait()
}

// scale: kubectl and a HorizontalPodAutoscaler scale a Rollout.
func (p *place) scale() {
	p.Helper()
	p.kubectl("scale", "rollouts.serin.dev/shop", "--current-replicas=1", "--replicas=4")
	if got := p.kubectl("get", "sro", "shop", "-o", "jsonpath={.spec.replicas}"); got != "4" {
		p.Errorf("scaled to 4 it has %q", got)
	}
	got := p.kubectl("get", "--raw", "/apis/serin.dev/v1alpha1/namespaces/kubectl/rollouts/shop/scale")
	var scale struct {
		Spec   struct{ Replicas int }
		Status struct {
			Replicas int
			Selector string
		}
	}
	if err := json.Unmarshal([]byte(got), &scale); err != nil || scale.Spec.Replicas != 4 || scale.Status.Replicas != 3 || scale.Status.Selector != "app=shop" {
		p.Errorf("the scale is %s, %v", got, err)
	}
}

// wait: kubectl wait sees conditions and phases.
func (p *place) wait() {
	p.Helper()
	if out, err := p.try("", "kubectl", "wait", "sro/shop", "--for=condition=Healthy", "--timeout=1s"); err == nil {
		p.Errorf("it waits for nothing: %s", out)
	}
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer close(done)
		q := *p
		q.ctx = ctx
		_, err := q.try("", "kubectl", "wait", "sro/shop", "--for=condition=Healthy", "--timeout=2m")
		done <- err
	}()
	p.kubectl("patch", "sro", "shop", "--subresource", "status", "--type", "merge", "-p",
		`{"status": {"phase": "Healthy", "conditions": [{"type": "Healthy", "status": "True", "observedGeneration": 3}]}}`)
	if err := <-done; err != nil {
		p.Errorf("the wait ended with %v", err)
	}
	p.kubectl("wait", "sro/shop", "--for=jsonpath={.status.phase}=Healthy", "--timeout=1m")
}
