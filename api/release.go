package api

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Release makes one change of several Rollouts of its namespace: they advance in
// an order, and one abort is the abort of all. Serin's own.
type Release struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ReleaseSpec   `json:"spec"`
	Status            ReleaseStatus `json:"status"`
}

// ReleaseSpec is what the user wants.
type ReleaseSpec struct {
	// Rollouts are the members, in their order.
	Rollouts []ReleaseMember `json:"rollouts"`
	Order    ReleaseOrder    `json:"order,omitempty"`
	OnAbort  ReleaseAbort    `json:"onAbort,omitempty"`
}

// ReleaseMember names a Rollout of the Release's namespace.
type ReleaseMember struct {
	Name string `json:"name"`
}

// ReleaseOrder says which members advance at a time; "" is ReleaseSequential.
type ReleaseOrder string

// The orders of a Release.
const (
	ReleaseSequential ReleaseOrder = "Sequential" // each waits for the one before to be Healthy
	ReleaseParallel   ReleaseOrder = "Parallel"   // all at once
)

// ReleaseAbort says what an abort of one member does to members that are
// finished already; "" is ReleaseRollBack.
type ReleaseAbort string

// The answers to an abort. Members on their way are aborted under both.
const (
	ReleaseRollBack ReleaseAbort = "RollBack" // back to their stable version before
	ReleaseKeep     ReleaseAbort = "Keep"     // they stay
)

// ReleaseStatus is where a Release stands.
type ReleaseStatus struct {
	Phase   Phase                 `json:"phase"`
	Message string                `json:"message,omitempty"`
	Members []ReleaseMemberStatus `json:"members,omitempty"`
}

// ReleaseMemberStatus is where one Rollout of a Release stands.
type ReleaseMemberStatus struct {
	Name    string `json:"name"`
	Phase   Phase  `json:"phase"`
	Version string `json:"version"` // the one wanted
}

// Key gives the Release's own key.
func (r *Release) Key() Key { return KeyOf(r) }

// Order gives the order, ReleaseSequential where none is written.
func (r *Release) Order() ReleaseOrder {
	if r.Spec.Order == "" {
		return ReleaseSequential
	}
	return r.Spec.Order
}

// OnAbort gives the answer to an abort, ReleaseRollBack where none is written.
func (r *Release) OnAbort() ReleaseAbort {
	if r.Spec.OnAbort == "" {
		return ReleaseRollBack
	}
	return r.Spec.OnAbort
}

// Members gives the keys of the Rollouts, in their order.
func (r *Release) Members() []Key {
	keys := make([]Key, len(r.Spec.Rollouts))
	for i, m := range r.Spec.Rollouts {
		keys[i] = keyIn(r.Namespace, m.Name)
	}
	return keys
}

// WithStatus gives a copy that shows s and shares the rest.
func (r *Release) WithStatus(s ReleaseStatus) *Release {
	c := *r
	c.Status = s
	return &c
}
