package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// hashLength is how many hexadecimal digits of a template's hash are kept: 40
// bits, so that two revisions of one Rollout never meet.
const hashLength = 10

// defaultMaxTrafficWeight makes weights percentages. Source: Argo Rollouts.
const defaultMaxTrafficWeight = 100

// KeyOf gives the key of an object; an empty namespace means DefaultNamespace,
// but for a ClusterAnalysisTemplate, which has none.
func KeyOf(o metav1.Object) Key {
	if _, ok := o.(*ClusterAnalysisTemplate); ok {
		return Key{Name: o.GetName()}
	}
	return keyIn(o.GetNamespace(), o.GetName())
}

// keyIn makes a Key with the default namespace filled in.
func keyIn(namespace, name string) Key {
	if namespace == "" {
		namespace = DefaultNamespace
	}
	return Key{Namespace: namespace, Name: name}
}

// Key gives the Rollout's own key.
func (r *Rollout) Key() Key { return KeyOf(r) }

// Version names the revision that the Rollout asks for: its Revision in a
// cluster; for files the label LabelVersion of its template, else the template's
// hash.
func (r *Rollout) Version() string {
	if r.Revision != "" {
		return r.Revision
	}
	if v := r.Spec.Template.Labels[LabelVersion]; v != "" {
		return v
	}
	return r.TemplateHash()
}

// DisplayVersion names the revision as people know it: the label LabelVersion of
// the template, else Version. Two revisions can have the same.
func (r *Rollout) DisplayVersion() string {
	if v := r.Spec.Template.Labels[LabelVersion]; v != "" {
		return v
	}
	return r.Version()
}

// WithRevision gives a copy of which Version is the given hash.
func (r *Rollout) WithRevision(hash string) *Rollout {
	c := *r
	c.Revision = hash
	return &c
}

// WithTemplate gives a copy with the template of the workload that its
// workloadRef names.
func (r *Rollout) WithTemplate(t Template) *Rollout {
	c := *r
	c.Spec.Template = t
	return &c
}

// TemplateHash gives ten hexadecimal digits that are equal for equal templates,
// whatever the order of their keys.
func (r *Rollout) TemplateHash() string {
	var content struct{ Metadata, Spec any }
	content.Metadata = r.Spec.Template.ObjectMeta
	content.Spec = canonical(r.Spec.Template.Spec)
	// What came from JSON goes back to JSON: there is no error to handle.
	data, _ := json.Marshal(content)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])[:hashLength]
}

// canonical gives a JSON value in a form that marshals with sorted keys and
// with numbers as they were written.
func canonical(raw json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return string(raw)
	}
	return v
}

// StableService names the Service that the Rollout divides: stableService, else
// the Service with the Rollout's own name.
func (r *Rollout) StableService() Key {
	if c := r.Spec.Strategy.Canary; c != nil && c.StableService != "" {
		return keyIn(r.Namespace, c.StableService)
	}
	return r.Key()
}

// CanaryService names the Service that gets the canary alone, if there is one.
func (r *Rollout) CanaryService() (Key, bool) {
	c := r.Spec.Strategy.Canary
	if c == nil || c.CanaryService == "" {
		return Key{}, false
	}
	return keyIn(r.Namespace, c.CanaryService), true
}

// Steps gives the canary's steps, nil if it has none. The caller must not
// change them.
func (r *Rollout) Steps() []CanaryStep {
	if c := r.Spec.Strategy.Canary; c != nil {
		return c.Steps
	}
	return nil
}

// MaxTrafficWeight gives the weight that means all traffic, 100 by default.
func (r *Rollout) MaxTrafficWeight() int32 {
	c := r.Spec.Strategy.Canary
	if c == nil || c.TrafficRouting == nil || c.TrafficRouting.MaxTrafficWeight == nil {
		return defaultMaxTrafficWeight
	}
	return *c.TrafficRouting.MaxTrafficWeight
}

// StepWeight gives the canary's weight in force at step i: that of the last
// setWeight up to and including i. It is 0 before the first setWeight and
// FullWeight past the last step.
func (r *Rollout) StepWeight(i int) Weight {
	steps := r.Steps()
	if i >= len(steps) {
		return FullWeight
	}
	for ; i >= 0; i-- {
		if w := steps[i].SetWeight; w != nil {
			return w.Of(r.MaxTrafficWeight())
		}
	}
	return 0
}

// Paused reports whether the file holds the steps: spec.paused.
func (r *Rollout) Paused() bool { return r.Spec.Paused }

// WithStatus gives a copy that shows s and shares the rest.
func (r *Rollout) WithStatus(s RolloutStatus) *Rollout {
	c := *r
	c.Status = s
	return &c
}

// SliceService names the Service whose endpoints the slice holds; false for a
// slice without the label LabelService.
func SliceService(s *EndpointSlice) (Key, bool) {
	name := s.Labels[LabelService]
	return keyIn(s.Namespace, name), name != ""
}

// SliceVersion names the version whose endpoints the slice holds, "" for a
// slice without the label LabelVersion.
func SliceVersion(s *EndpointSlice) string { return s.Labels[LabelVersion] }
