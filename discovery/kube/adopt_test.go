package kube

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serin-mesh/serin/api"
)

// TestGuardMode: an adopted Rollout that says nothing has the mode that the operator
// gives; one that says something, and one of Serin's own, has its own.
func TestGuardMode(t *testing.T) {
	argo, own := rollout("argoproj.io", "cart", "cart:1", ""), rollout("serin.dev", "cart", "cart:1", "")
	says := func(mode string) string {
		return replaceOnce(argo, "name: cart}", "name: cart, annotations: {"+AnnotationGuardMode+": "+mode+"}}")
	}
	for name, c := range map[string]struct {
		text       string
		mode, want api.GuardMode
	}{
		"nothing said":     {argo, "", api.GuardEnforce},
		"by the operator":  {argo, api.GuardObserve, api.GuardObserve},
		"by itself":        {says("enforce"), api.GuardOff, api.GuardEnforce},
		"by itself, alone": {says("observe"), "", api.GuardObserve},
		"no mode":          {says("maybe"), api.GuardOff, api.GuardOff},
		"in its spec":      {rollout("argoproj.io", "cart", "cart:1", "guard: {mode: enforce}"), api.GuardOff, api.GuardEnforce},
		"beside its spec":  {rollout("argoproj.io", "cart", "cart:1", "guard: {onHarm: pause}"), api.GuardOff, api.GuardOff},
		"Serin's own":      {own, api.GuardOff, api.GuardEnforce},
	} {
		u := objects(t, c.text)[0]
		w := reader(u)
		w.opts = &Options{GuardMode: c.mode}
		i, err := w.read(u)
		if err != nil {
			t.Fatal(err)
		}
		r, ok := i.doc.Object.(*api.Rollout)
		if !ok {
			t.Fatalf("%s: it is not read: %v", name, i.findings)
		}
		if got := r.Guard().Mode; got != c.want {
			t.Errorf("%s: the mode is %s, want %s", name, got, c.want)
		}
	}
}

// TestRolloutsAreShown: each change of a Rollout is told, that of a status too; and
// that one is gone, or is not Serin's any more.
func TestRolloutsAreShown(t *testing.T) {
	var told []string
	argo := objects(t, rollout("argoproj.io", "cart", "cart:1", ""))[0]
	w := reader(argo)
	w.resource.versions, w.version = []string{"v1alpha1"}, "v1alpha1"
	w.opts = &Options{Seen: func(o *unstructured.Unstructured, gone bool) {
		what := o.GroupVersionKind().Group + " " + o.GetName() + " " + o.GetResourceVersion()
		if gone {
			what += "gone"
		} else if len(o.GetManagedFields()) == 0 {
			what += " without its managers"
		}
		told = append(told, what)
	}}
	update := func(version, status string, blue bool) *unstructured.Unstructured {
		u := argo.DeepCopy()
		u.SetResourceVersion(version)
		if u.Object["status"] = map[string]any{"phase": status}; blue {
			u.Object["spec"] = map[string]any{"strategy": map[string]any{"blueGreen": map[string]any{}}}
		}
		if err := unstructured.SetNestedSlice(u.Object, []any{map[string]any{"manager": "x"}}, "metadata", "managedFields"); err != nil {
			t.Fatal(err)
		}
		if err := w.Update(u); err != nil {
			t.Fatal(err)
		}
		return u
	}
	update("1", "Healthy", false)
	update("2", "Degraded", false)
	update("3", "Degraded", true)
	update("4", "Healthy", true)
	last := update("5", "Healthy", false)
	if err := w.Delete(last); err != nil {
		t.Fatal(err)
	}
	expect(t, "told", strings.Join(told, ", "),
		"argoproj.io cart 1, argoproj.io cart 2, argoproj.io cart gone, argoproj.io cart 5, argoproj.io cart gone")
}
