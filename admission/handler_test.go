package admission_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/serin-mesh/serin/admission"
)

// rollout gives a Rollout with steps, of a group.
func rollout(group, steps string) string {
	return fmt.Sprintf(`
apiVersion: %s/v1alpha1
kind: Rollout
metadata: {name: shop, namespace: default}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: "shop:1"}]}
  strategy: {canary: {steps: %s}}
`, group, steps)
}

// question gives an AdmissionReview about objects as YAML; an empty one is none.
func question(t testing.TB, operation admissionv1.Operation, object, before string) *admissionv1.AdmissionReview {
	t.Helper()
	asked := &admissionv1.AdmissionRequest{UID: types.UID("u-1"), Operation: operation, Namespace: "default", Name: "shop"}
	for text, into := range map[string]*runtime.RawExtension{object: &asked.Object, before: &asked.OldObject} {
		if text == "" {
			continue
		}
		raw, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		into.Raw = raw
	}
	var of metav1.TypeMeta
	if err := json.Unmarshal(asked.Object.Raw, &of); err != nil {
		t.Fatal(err)
	}
	kind := of.GroupVersionKind()
	asked.Kind = metav1.GroupVersionKind{Group: kind.Group, Version: kind.Version, Kind: kind.Kind}
	return &admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: asked,
	}
}

// post sends a body and gives the answer.
func post(body, contentType string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, admission.Path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	admission.Handler(nil).ServeHTTP(w, r)
	return w
}

// ask gives the answer to a question, which is to have one.
func ask(t testing.TB, q *admissionv1.AdmissionReview) *admissionv1.AdmissionResponse {
	t.Helper()
	body, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	w := post(string(body), "application/json; charset=utf-8")
	var got admissionv1.AdmissionReview
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
		t.Fatalf("answered %d %s: %v", w.Code, w.Body, err)
	}
	if got.TypeMeta != q.TypeMeta || got.Response == nil || got.Response.UID != q.Request.UID {
		t.Fatalf("answered %+v", got)
	}
	return got.Response
}

func TestJudge(t *testing.T) {
	const good, bad, odd = "[{setWeight: 20}]", "[{setWeight: 120}, {setWeight: 20, pause: {}}]", "[{setWeight: 20}, {setWeight: 20}, {setWeights: 1}]"
	removed := strings.Replace(rollout("serin.dev", bad), "{name: shop,", "{name: shop, deletionTimestamp: \"2030-01-01T00:00:00Z\",", 1)
	labelled := strings.Replace(rollout("serin.dev", bad), "{name: shop,", "{name: shop, labels: {a: b},", 1)
	generated := strings.Replace(rollout("serin.dev", good), "{name: shop,", "{generateName: shop-,", 1)
	blueGreen := func(group string) string {
		return strings.Replace(rollout(group, good), "{canary: {steps: "+good+"}}", "{blueGreen: {activeService: a}}", 1)
	}
	warned := strings.Replace(rollout("serin.dev", good), "{canary: {", "{canary: {trafficRouting: {nginx: {stableIngress: x}}, ", 1)
	for name, c := range map[string]struct {
		operation      admissionv1.Operation
		object, before string
		errors         []string // in the message; none: it passes
		warnings       int
	}{
		"good":               {admissionv1.Create, rollout("serin.dev", good), "", nil, 0},
		"every finding":      {admissionv1.Create, rollout("serin.dev", bad), "", []string{"E204 spec.strategy.canary.steps[1]: ", "\nE205 spec.strategy.canary.steps[0].setWeight: "}, 0},
		"unknown field":      {admissionv1.Create, rollout("serin.dev", odd), "", []string{"E102 ", "setWeights"}, 0},
		"a warning":          {admissionv1.Create, warned, "", nil, 1},
		"made bad":           {admissionv1.Update, rollout("serin.dev", bad), rollout("serin.dev", good), []string{"E205"}, 0},
		"mended":             {admissionv1.Update, rollout("serin.dev", good), rollout("serin.dev", bad), nil, 0},
		"bad and labelled":   {admissionv1.Update, labelled, rollout("serin.dev", bad), nil, 0},
		"bad and deleted":    {admissionv1.Update, removed, rollout("serin.dev", good), nil, 0},
		"deletion":           {admissionv1.Delete, rollout("serin.dev", bad), "", nil, 0},
		"without a name yet": {admissionv1.Create, generated, "", nil, 0},
		"blueGreen":          {admissionv1.Create, blueGreen("serin.dev"), "", []string{"E202"}, 0},
		"blueGreen of Argo":  {admissionv1.Create, blueGreen("argoproj.io"), "", nil, 0},
		"bad of Argo":        {admissionv1.Create, rollout("argoproj.io", bad), "", []string{"E205"}, 0},
		"of nobody":          {admissionv1.Create, rollout("example.com", bad), "", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(t, question(t, c.operation, c.object, c.before))
			if got.Allowed != (len(c.errors) == 0) {
				t.Fatalf("allowed is %v: %+v", got.Allowed, got.Result)
			}
			if len(got.Warnings) != c.warnings {
				t.Errorf("warns of %q", got.Warnings)
			}
			for _, want := range c.errors {
				if !strings.Contains(got.Result.Message, want) {
					t.Errorf("the message has no %q:\n%s", want, got.Result.Message)
				}
			}
			if !got.Allowed && got.Result.Code != http.StatusUnprocessableEntity {
				t.Errorf("refused with %d", got.Result.Code)
			}
		})
	}
}

// TestSubresource: whoever writes a status is not asked what the spec is.
func TestSubresource(t *testing.T) {
	q := question(t, admissionv1.Update, rollout("serin.dev", "[{setWeight: 120}]"), "")
	q.Request.SubResource = "status"
	if got := ask(t, q); !got.Allowed {
		t.Errorf("refused: %+v", got.Result)
	}
}

// TestNoQuestion: what is no question of admission.k8s.io/v1 has no answer.
func TestNoQuestion(t *testing.T) {
	for name, c := range map[string]struct {
		body, kind string
		want       int
	}{
		"form":      {"a=b", "application/x-www-form-urlencoded", http.StatusUnsupportedMediaType},
		"no JSON":   {"{", "application/json", http.StatusBadRequest},
		"v1beta1":   {`{"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview", "request": {}}`, "application/json", http.StatusBadRequest},
		"no review": {`{"apiVersion": "admission.k8s.io/v1", "kind": "Pod", "request": {}}`, "application/json", http.StatusBadRequest},
		"empty":     {`{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}`, "application/json", http.StatusBadRequest},
		"endless":   {`{"apiVersion": "` + strings.Repeat("x", 9<<20) + `"}`, "application/json", http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if got := post(c.body, c.kind); got.Code != c.want {
				t.Errorf("answered %d %s, want %d", got.Code, got.Body, c.want)
			}
		})
	}
	q := question(t, admissionv1.Create, rollout("serin.dev", "[]"), "")
	q.Request.Object.Raw = []byte(`[]`)
	if got := ask(t, q); got.Allowed || got.Result.Code != http.StatusBadRequest {
		t.Errorf("a list is allowed as a Rollout: %+v", got)
	}
}

func FuzzHandler(f *testing.F) {
	for _, steps := range []string{"[{setWeight: 20}]", "[{setWeight: 120}]", "x"} {
		body, err := json.Marshal(question(f, admissionv1.Create, rollout("serin.dev", steps), rollout("serin.dev", "[]")))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(body))
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := post(body, "application/json")
		var got admissionv1.AdmissionReview
		if w.Code == http.StatusOK && (json.Unmarshal(w.Body.Bytes(), &got) != nil || got.Response == nil) {
			t.Errorf("answered %s", w.Body)
		}
	})
}
