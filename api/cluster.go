package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DecodeObject reads an object as the Kubernetes API gives it, of a kind that
// Objects holds: content is what its JSON decodes to. Defaults and findings are
// those of Decode but for what only concerns files. Findings name the place as
// Place does, without a line.
func DecodeObject(content map[string]any) (Document, []Finding) {
	c := &chunk{}
	c.decode(0, nodeOf(content))
	if len(c.docs) == 0 {
		return Document{}, c.ofCluster("")
	}
	d := c.docs[0]
	d.chunk, d.Line, d.Column = nil, 0, 0
	d.File = Place(d.APIVersion, d.Kind, d.Key)
	return d, c.ofCluster(d.File)
}

// DecodeTyped is DecodeObject for an object that has its Go type already, one of
// a kind that the Kubernetes API itself checks: Service, EndpointSlice, Secret.
// The object is the Document's from then on.
func DecodeTyped(apiVersion, kind string, o metav1.Object) (Document, []Finding) {
	d := Document{APIVersion: apiVersion, Kind: kind, Key: KeyOf(o)}
	d.File = Place(apiVersion, kind, d.Key)
	root := &node{kind: nodeObject}
	if s, ok := o.(*EndpointSlice); ok {
		root.fields = []field{{name: "addressType", value: &node{kind: nodeString, text: string(s.AddressType)}}}
	}
	r := &notes{}
	checkObject(root, o, r)
	if !r.hasErrors() {
		setDefaults(o)
		d.Object = o
	}
	c := &chunk{}
	for _, found := range r.issues {
		c.issues = append(c.issues, docIssue{issue: found, kind: kind, key: d.Key})
	}
	return d, c.ofCluster(d.File)
}

// DecodeWorkload gives the template of a workload that a Rollout can refer to,
// as the Kubernetes API gives it; nil where it has none.
func DecodeWorkload(content map[string]any) *Template {
	root := nodeOf(content)
	return workloadOf(root, Document{APIVersion: root.str("apiVersion"), Kind: root.str("kind")})
}

// Place names an object of a cluster in findings: KIND.GROUP NAMESPACE/NAME, as
// kubectl takes it.
func Place(apiVersion, kind string, key Key) string {
	name := strings.ToLower(kind)
	if group, _ := groupVersion(apiVersion); group != groupCore {
		name += "." + group
	}
	return name + " " + key.String()
}

// StatusSubresource names the subresource through which the status of an AnalysisRun
// or Experiment of a group is written; none for Argo Rollouts' group, whose
// definitions write it with the rest.
func StatusSubresource(group string) []string {
	if group == groupArgo {
		return nil
	}
	return []string{"status"}
}

// ofCluster gives the findings of an object of a cluster.
func (c *chunk) ofCluster(place string) []Finding {
	var out []Finding
	for _, i := range c.issues {
		if !onlyFiles(i.issue) {
			i.line, i.column, i.first = 0, 0, 0
			out = append(out, i.finding(place, 0))
		}
	}
	SortFindings(out)
	return out
}

// onlyFiles reports whether an issue says that something has no effect for
// files, where a cluster has the pods that it is about.
func onlyFiles(i issue) bool {
	switch i.code {
	case CodeNoRunner, CodeJob:
		return true
	case CodeNoEffect:
		return i.path[len(i.path)-1] != "pingPong"
	}
	return false
}

// nodeOf makes a tree without places of what JSON decodes to.
func nodeOf(v any) *node {
	switch v := v.(type) {
	case nil:
		return &node{kind: nodeNull}
	case string:
		return &node{kind: nodeString, text: v}
	case bool:
		if v {
			return &node{kind: nodeBool, text: "true"}
		}
		return &node{kind: nodeBool, text: "false"}
	case []any:
		n := &node{kind: nodeList}
		for _, item := range v {
			n.items = append(n.items, nodeOf(item))
		}
		return n
	case map[string]any:
		n := &node{kind: nodeObject}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			n.fields = append(n.fields, field{name: name, value: nodeOf(v[name])})
		}
		return n
	}
	text, _ := json.Marshal(v) // a number always marshals
	return &node{kind: nodeNumber, text: string(text)}
}
