package runner

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serin-mesh/serin/api"
)

// LabelManagedBy marks the AnalysisRuns that a control loop writes to show its
// analyses: nothing runs them.
const LabelManagedBy = "app.kubernetes.io/managed-by"

// labelRollout names the Rollout of a run or of an Experiment. Source: Argo Rollouts.
const labelRollout = "rollout"

// See takes an Experiment or an AnalysisRun as the API server gave it, each time that
// it changed, in the order of the changes; gone: it is not there any more. It keeps
// nothing of the object, does not block and may be called from any goroutine.
func (r *Runner) See(u *unstructured.Unstructured, gone bool) {
	i := id{group: u.GroupVersionKind().Group, kind: u.GetKind(), key: api.KeyOf(u)}
	switch i.kind {
	case kindRun:
		r.seeRun(i, u, gone)
	case kindExperiment:
		r.seeExperiment(i, u, gone)
	default:
		return
	}
	r.queue.Add(i)
}

// refused gives why an object cannot be run; "": it can.
func refused(findings []api.Finding) string {
	var why []string
	for _, f := range findings {
		if f.IsError() {
			why = append(why, f.Path+": "+f.Message)
		}
	}
	return strings.Join(why, "; ")
}

// controller names the object that owns another, if that is of a kind; false: none
// of the kind does.
func controller(o metav1.Object, kind string) (id, bool) {
	ref := metav1.GetControllerOfNoCopy(o)
	if ref == nil || ref.Kind != kind {
		return id{}, false
	}
	group, _, _ := strings.Cut(ref.APIVersion, "/")
	return id{group: group, kind: kind, key: api.Key{Namespace: o.GetNamespace(), Name: ref.Name}}, true
}
