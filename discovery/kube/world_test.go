package kube

import (
	"bytes"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/discovery"
)

// world is a model, and who tells it.
type world struct {
	t *testing.T
	m *model
}

func newWorld(t *testing.T) *world { return &world{t, newModel()} }

// objects reads YAML documents.
func objects(t testing.TB, text string) (out []*unstructured.Unstructured) {
	t.Helper()
	for _, doc := range bytes.Split([]byte(text), []byte("\n---")) {
		data, err := yaml.YAMLToJSON(doc)
		if err != nil {
			t.Fatal(err)
		}
		if string(data) == "null" {
			continue
		}
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(data); err != nil {
			t.Fatal(err)
		}
		out = append(out, u)
	}
	return out
}

// reader gives a watch that reads objects like u.
func reader(u *unstructured.Unstructured) *watch {
	gvk := u.GroupVersionKind()
	w := &watch{resource: resource{group: gvk.Group, kind: gvk.Kind, plural: strings.ToLower(gvk.Kind)}, inbox: newInbox()}
	w.known, w.opts = map[api.Key]string{}, &Options{}
	return w
}

// tell has the model see an object, or that it is gone.
func tell(t testing.TB, m *model, u *unstructured.Unstructured, gone bool) {
	t.Helper()
	w := reader(u)
	n := w.name(keyOf(u))
	if gone {
		m.see(n, nil)
		return
	}
	var o any = u.DeepCopy()
	if u.GetKind() == kindPod {
		o = &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
			Namespace: u.GetNamespace(), Name: u.GetName(), UID: u.GetUID(), Labels: u.GetLabels()}}
	}
	i, err := w.read(o)
	if err != nil {
		t.Fatal(err)
	}
	if i.ignored {
		i = nil
	}
	m.see(n, i)
}

// apply has the model see objects, and gives what comes of it.
func (w *world) apply(text string) discovery.Result { return w.turn(text, false) }

// remove has the model see that objects are gone.
func (w *world) remove(text string) discovery.Result { return w.turn(text, true) }

func (w *world) turn(text string, gone bool) discovery.Result {
	w.t.Helper()
	for _, u := range objects(w.t, text) {
		tell(w.t, w.m, u, gone)
	}
	return w.settle()
}

func (w *world) settle() discovery.Result {
	w.t.Helper()
	w.m.settle()
	r, _ := w.m.result()
	return r
}

// refs writes refs on one line.
func refs(list []api.Ref) string {
	var out []string
	for _, r := range list {
		out = append(out, r.Kind+" "+r.Key.String())
	}
	return strings.Join(out, ", ")
}

// told writes findings, one a line.
func told(r discovery.Result) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.String())
	}
	return strings.Join(out, "\n")
}

// expect compares texts.
func expect(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// key is short for a key of the namespace shop.
func key(name string) api.Key { return api.Key{Namespace: "shop", Name: name} }

// head writes the beginning of an object.
func head(apiVersion, kind, name string) string {
	return "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {namespace: shop, name: " + name + "}\n"
}

// rollout writes a Rollout of a group with an image and more of its canary.
func rollout(group, name, image, canary string) string {
	return head(group+"/v1alpha1", "Rollout", name) + `spec:
  template:
    metadata: {labels: {app: ` + name + `}}
    spec: {containers: [{name: main, image: ` + image + `}]}
  strategy: {canary: {` + canary + `}}
`
}

// service writes a Service.
func service(name string) string {
	return head("v1", "Service", name) + "spec: {ports: [{name: http, port: 80}]}\n"
}

// podOfVersion writes a pod.
func podOfVersion(name, hash string) string {
	return `apiVersion: v1
kind: Pod
metadata: {namespace: shop, name: ` + name + `, uid: uid-` + name + `, labels: {rollouts-pod-template-hash: ` + hash + `}}
`
}

// sliceOf writes an EndpointSlice with the pods given, whose addresses count up.
func sliceOf(name, service string, pods ...string) string {
	var b strings.Builder
	b.WriteString(`apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  namespace: shop
  name: ` + name + `
  labels: {kubernetes.io/service-name: ` + service + `, app.kubernetes.io/version: copied}
  annotations: {endpoints.kubernetes.io/last-change-trigger-time: now}
  managedFields: [{manager: x}]
addressType: IPv4
ports: [{name: http, port: 8080, protocol: TCP}]
endpoints:
`)
	for _, p := range pods {
		b.WriteString(`- addresses: [10.0.0.` + p[len(p)-1:] + `]
  zone: a
  nodeName: node-1
  conditions: {ready: true, serving: true, terminating: false}
  targetRef: {kind: Pod, namespace: shop, name: ` + p + `, uid: uid-` + p + `}
`)
	}
	return b.String()
}

// replaceOnce replaces a text that is there.
func replaceOnce(text, old, now string) string {
	if !strings.Contains(text, old) {
		panic(old + " is not in " + text)
	}
	return strings.Replace(text, old, now, 1)
}
