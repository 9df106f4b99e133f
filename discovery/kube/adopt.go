package kube

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serin-mesh/serin/api"
)

// AnnotationGuardMode names the mode of the guard on a Rollout of argoproj.io,
// whose definition has no field for it: enforce, observe or off. What it says else
// counts as nothing said.
const AnnotationGuardMode = "serin.dev/guard-mode"

// adopt gives a Rollout of argoproj.io the mode of the guard that its annotation
// names, else the one given, unless its spec names one.
func adopt(r *api.Rollout, mode api.GuardMode) {
	switch said := api.GuardMode(r.Annotations[AnnotationGuardMode]); said {
	case api.GuardEnforce, api.GuardObserve, api.GuardOff:
		mode = said
	}
	c := r.Spec.Strategy.Canary
	if mode == "" || c == nil || c.Guard != nil && c.Guard.Mode != "" {
		return
	}
	canary, guard := *c, api.GuardSpec{}
	if c.Guard != nil {
		guard = *c.Guard
	}
	guard.Mode, canary.Guard = mode, &guard
	r.Spec.Strategy.Canary = &canary
}

// shown are the kinds whose objects are told of as the API gives them.
var shown = map[string]bool{kindRollout: true, kindExperiment: true, kindAnalysisRun: true}

// show tells of an object as the API gave it.
func (w *watch) show(u *unstructured.Unstructured) {
	if shown[w.resource.kind] && w.opts.Seen != nil {
		w.opts.Seen(u, false)
	}
}

// lost tells that an object is gone, or is not ours any more.
func (w *watch) lost(key api.Key) {
	if !shown[w.resource.kind] || w.opts.Seen == nil {
		return
	}
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(w.resource.at(w.version).GroupVersion().WithKind(w.resource.kind))
	u.SetNamespace(key.Namespace)
	u.SetName(key.Name)
	w.opts.Seen(u, true)
}
