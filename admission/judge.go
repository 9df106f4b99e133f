package admission

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
)

// The groups whose objects are judged.
const (
	groupSerin = "serin.dev"
	groupArgo  = "argoproj.io"
)

// judge answers a question.
func judge(asked *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	passes := &admissionv1.AdmissionResponse{Allowed: true}
	writes := asked.Operation == admissionv1.Create || asked.Operation == admissionv1.Update
	if !writes || asked.SubResource != "" || asked.Kind.Group != groupSerin && asked.Kind.Group != groupArgo {
		return passes
	}
	object, err := content(asked.Object.Raw)
	if err != nil {
		return refusal(http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error())
	}
	if ends(object) || alone(asked, object) {
		return passes
	}
	name(object, asked)
	_, found := api.DecodeObject(object)
	warnings := listing(found, func(f api.Finding) bool { return !f.IsError() })
	if !api.HasErrors(found) || unchanged(asked, object) {
		passes.Warnings = warnings
		return passes
	}
	all := listing(found, func(api.Finding) bool { return true })
	r := refusal(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, strings.Join(all, "\n"))
	r.Warnings = warnings
	return r
}

// content reads an object, without what the API server keeps in it for itself.
func content(raw []byte) (map[string]any, error) {
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("reading the object: %w", err)
	}
	if m, ok := object["metadata"].(map[string]any); ok {
		delete(m, "managedFields")
		if a, ok := m["annotations"].(map[string]any); ok {
			delete(a, corev1.LastAppliedConfigAnnotation)
		}
	}
	delete(object, "status") // not what anybody asks for
	return object, nil
}

// ends reports whether an object is being deleted.
func ends(object map[string]any) bool {
	m, _ := object["metadata"].(map[string]any)
	return m["deletionTimestamp"] != nil
}

// alone reports whether Serin leaves the object alone.
func alone(asked *admissionv1.AdmissionRequest, object map[string]any) bool {
	if asked.Kind.Group != groupArgo || asked.Kind.Kind != "Rollout" {
		return false
	}
	spec, _ := object["spec"].(map[string]any)
	strategy, _ := spec["strategy"].(map[string]any)
	return strategy["blueGreen"] != nil
}

// name gives an object that gets its name later the one that the question has, so
// that it does not count as having none.
func name(object map[string]any, asked *admissionv1.AdmissionRequest) {
	m, ok := object["metadata"].(map[string]any)
	if !ok || m["name"] != nil {
		return
	}
	prefix, _ := m["generateName"].(string)
	if m["name"] = asked.Name; asked.Name == "" {
		m["name"] = prefix + "x"
	}
}

// unchanged reports whether an object asks for what it asked for before.
func unchanged(asked *admissionv1.AdmissionRequest, object map[string]any) bool {
	if asked.Operation != admissionv1.Update {
		return false
	}
	before, err := content(asked.OldObject.Raw)
	if err != nil {
		return false
	}
	for _, o := range []map[string]any{before, object} {
		delete(o, "metadata")
	}
	return reflect.DeepEqual(before, object)
}

// listing gives those findings that are wanted, as people read them: the object is
// the one they write.
func listing(found []api.Finding, wanted func(api.Finding) bool) []string {
	var lines []string
	for _, f := range found {
		if !wanted(f) {
			continue
		}
		line := string(f.Code) + " "
		if f.Path != "" {
			line += f.Path + ": "
		}
		lines = append(lines, line+strings.ReplaceAll(f.Message, "\n", " "))
	}
	return lines
}

// refusal refuses an object with a message.
func refusal(code int32, reason metav1.StatusReason, message string) *admissionv1.AdmissionResponse {
	return &admissionv1.AdmissionResponse{Result: &metav1.Status{
		Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message,
	}}
}
