package kube

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"pgregory.net/rapid"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/discovery"
)

// draw gives an object of a random kind, small enough that objects meet.
func draw(t *rapid.T) string {
	pick := func(what string, from ...string) string { return rapid.SampledFrom(from).Draw(t, what) }
	name := pick("name", "aa", "bb", "cc")
	switch pick("kind", "Service", "Pod", "Slice", "Slice", "Rollout", "Rollout", "Deployment", "Reference", "Route", "Release", "Template", "Secret") {
	case "Service":
		return service(name)
	case "Pod":
		text := podOfVersion("p"+pick("pod", "1", "2", "3", "4"), pick("hash", "h1", "h2"))
		if rapid.Bool().Draw(t, "other") {
			text = strings.Replace(text, "uid-p", "other-p", 1)
		}
		return text
	case "Slice":
		pods := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"p1", "p2", "p3", "p4"}), 0, 4, rapid.ID).Draw(t, "pods")
		return sliceOf(name, pick("service", "aa", "bb"), pods...)
	case "Deployment":
		return deployment(name, pick("image", "x:1", "x:2"))
	case "Reference":
		return aged(reference(name, pick("workload", "aa", "bb")), name, "0"+pick("age", "1", "2"))
	case "Route":
		return route(name, pick("service", "aa", "bb"))
	case "Release":
		return head("serin.dev/v1alpha1", "Release", name) + "spec: {rollouts: [{name: " + pick("member", "aa", "bb") + "}]}\n"
	case "Template":
		return head(pick("group", "serin.dev", "argoproj.io")+"/v1alpha1", "AnalysisTemplate", name) +
			"spec: {args: [{name: x, valueFrom: {secretKeyRef: {name: " + pick("secret", "aa", "bb") + ", key: k}}}], metrics: []}\n"
	case "Secret":
		return head("v1", "Secret", name) + "data: {k: " + pick("value", "YQ==", "Yg==") + "}\n"
	}
	group := pick("group", "serin.dev", "argoproj.io")
	if rapid.IntRange(0, 9).Draw(t, "colour") == 0 {
		return head("argoproj.io/v1alpha1", "Rollout", name) + "spec: {strategy: {blueGreen: {}}}\n"
	}
	canary := pick("canary", "", "stableService: aa", "stableService: bb", "canaryService: cc",
		"steps: [{analysis: {templates: [{templateName: aa}]}}]", "steps: [{setWeight: 500}]")
	return aged(rollout(group, name, pick("image", "x:1", "x:2"), canary), name, "0"+pick("age", "1", "2"))
}

// id names an object in its group.
func id(u *unstructured.Unstructured) string {
	return u.GroupVersionKind().GroupKind().String() + " " + u.GetName()
}

// settled has a model read what it names, as a Source would.
func settled(t testing.TB, m *model, there map[string]*unstructured.Unstructured) discovery.Result {
	m.settle()
	for n := range m.workloads {
		m.knowWorkload(n)
	}
	for _, u := range there {
		if _, ok := single[u.GetKind()]; ok {
			tellNamed(t, m, u)
		}
	}
	m.settle()
	for ref := range m.entries {
		if n := (name{"", kindSecret, ref.Key}); ref.Kind == kindSecret && !m.secrets[n] {
			m.drop(n) // its watch ends
		}
	}
	m.settle()
	r, _ := m.result()
	return r
}

// tellNamed has the model see an object if that is watched by name.
func tellNamed(t testing.TB, m *model, u *unstructured.Unstructured) {
	if m.singles()[reader(u).name(keyOf(u))] {
		tell(t, m, u, false)
	}
}

// TestAnyHistory: after any changes the set is that of the objects there are,
// but for what is refused, which is as it was; and Changed and Removed are
// exactly how it differs from the set before.
func TestAnyHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, there := newModel(), map[string]*unstructured.Unstructured{}
		last := settled(t, m, there)
		mirror := everything(last.Objects)
		for range rapid.IntRange(1, 25).Draw(rt, "turns") {
			for range rapid.IntRange(1, 3).Draw(rt, "changes") {
				change(t, rt, m, there)
			}
			r := settled(t, m, there)
			mirror = checkDifference(rt, mirror, r)
			last = r
		}
		fresh := newModel()
		for _, u := range there {
			if _, ok := single[u.GetKind()]; !ok {
				tell(t, fresh, u, false)
			}
		}
		compareSets(rt, m, fresh, last, settled(t, fresh, there))
	})
}

// change makes one random change.
func change(t testing.TB, rt *rapid.T, m *model, there map[string]*unstructured.Unstructured) {
	if len(there) > 0 && rapid.IntRange(0, 2).Draw(rt, "gone") == 0 {
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(there))).Draw(rt, "which")
		u := there[name]
		delete(there, name)
		if _, ok := single[u.GetKind()]; !ok || m.singles()[reader(u).name(keyOf(u))] {
			tell(t, m, u, true)
		}
		return
	}
	u := objects(t, draw(rt))[0]
	there[id(u)] = u
	if _, ok := single[u.GetKind()]; !ok {
		tell(t, m, u, false)
	}
}

// everything gives all objects of a set.
func everything(o *api.Objects) map[api.Ref]any {
	out := map[api.Ref]any{}
	v := reflect.ValueOf(o).Elem()
	for i := range v.NumField() {
		for _, k := range v.Field(i).MapKeys() {
			object := v.Field(i).MapIndex(k).Interface()
			kind := strings.TrimSuffix(v.Type().Field(i).Name, "s")
			out[api.Ref{Kind: kind, Key: k.Interface().(api.Key)}] = object
		}
	}
	return out
}

// checkDifference compares a Result with the set before.
func checkDifference(t *rapid.T, before map[api.Ref]any, r discovery.Result) map[api.Ref]any {
	now := everything(r.Objects)
	var changed, removed []api.Ref
	for ref, o := range now {
		if before[ref] != o {
			changed = append(changed, ref)
			if old := before[ref]; old != nil && reflect.DeepEqual(old, o) {
				t.Fatalf("%v is another pointer and the same object", ref)
			}
		}
	}
	for ref := range before {
		if now[ref] == nil {
			removed = append(removed, ref)
		}
	}
	sortRefs(changed)
	sortRefs(removed)
	if refs(changed) != refs(r.Changed) || refs(removed) != refs(r.Removed) {
		t.Fatalf("changed %s, removed %s; told %s, %s", refs(changed), refs(removed), refs(r.Changed), refs(r.Removed))
	}
	return now
}

// compareSets compares what came of a history with what comes of its end.
func compareSets(t *rapid.T, m, fresh *model, got, want discovery.Result) {
	refused := map[api.Ref]bool{}
	for _, model := range []*model{m, fresh} {
		for ref, e := range model.entries {
			if ref.Kind == kindRollout && (e.newest == nil || e.newest != e.accepted) {
				refused[ref] = true
			}
		}
	}
	a, b := everything(got.Objects), everything(want.Objects)
	for ref := range refused {
		delete(a, ref)
		delete(b, ref)
	}
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("the set is\n%s\nand should be\n%s", list(a), list(b))
	}
	if len(refused) == 0 && told(got) != told(want) {
		t.Fatalf("found\n%s\nand should have found\n%s", told(got), told(want))
	}
	if a, b := m.sizes(), fresh.sizes(); len(refused) == 0 && a != b {
		t.Fatalf("what is kept is %s, and should be %s", a, b)
	}
}

// list writes objects in order.
func list(all map[api.Ref]any) string {
	var out []string
	for _, ref := range slices.SortedFunc(maps.Keys(all), api.Ref.Compare) {
		out = append(out, fmt.Sprintf("%v %+v", ref, all[ref]))
	}
	return strings.Join(out, "\n")
}

// sizes says how much a model keeps, so that nothing is kept for ever.
func (m *model) sizes() string {
	return fmt.Sprint(len(m.entries), len(m.claims), len(m.workloads), len(m.slices), len(m.pods), len(m.onPod), len(m.findings), len(m.secrets))
}
