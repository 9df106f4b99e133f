package api

import "encoding/json"

// Argo lets a Rollout take its template from a workload. The workload is not
// Serin's, but its template in the files says which version is wanted.

// workloadOf gives the template of a workload that a Rollout can refer to, nil
// for another document. It is read loosely: the rest is not Serin's to judge.
func workloadOf(root *node, d Document) *Template {
	at := root.get("spec").get("template")
	switch group, _ := groupVersion(d.APIVersion); {
	case group == "apps" && (d.Kind == "Deployment" || d.Kind == "ReplicaSet"):
	case group == groupCore && d.Kind == "PodTemplate":
		at = root.get("template")
	default:
		return nil
	}
	if at == nil {
		return nil
	}
	t := &Template{}
	if json.Unmarshal(at.appendJSON(nil), t) != nil {
		return nil
	}
	return t
}

// WantsWorkload reports whether the Rollout has its template elsewhere.
func (r *Rollout) WantsWorkload() bool {
	t := &r.Spec.Template
	return r.Spec.WorkloadRef != nil && t.Spec == nil && len(t.Labels)+len(t.Annotations) == 0
}

// withWorkload gives the Rollout with the template of its workload, where docs
// have that; false where they do not. A Rollout with a template of its own is
// given as it is.
func (r *Rollout) withWorkload(docs []Document) (*Rollout, bool) {
	if !r.WantsWorkload() {
		return r, true
	}
	ref := r.Spec.WorkloadRef
	for i := range docs {
		d := &docs[i]
		if d.workload != nil && d.Kind == ref.Kind && d.Key == keyIn(r.Namespace, ref.Name) {
			c := *r
			c.Spec.Template = *d.workload
			return &c, true
		}
	}
	return r, false
}

// workload notes a Rollout whose template is not in the files, or names no
// version, and gives the Rollout with its template.
func (v *validator) workload(d *Document, r *Rollout) *Rollout {
	linked, there := r.withWorkload(v.docs)
	at, ref := path{"spec", "workloadRef"}, r.Spec.WorkloadRef
	switch version := linked.Spec.Template.Labels[LabelVersion]; {
	case !there:
		v.note(d, CodeWorkload, at, Key{}, "there is no %s %s in the files, so no canary starts; add it, or spec.template "+
			"with the label %s in its metadata, the version to roll out", ref.Kind, keyIn(r.Namespace, ref.Name), LabelVersion)
	case linked != r && !isVersion(version):
		v.note(d, CodeVersionLabel, at, Key{}, badVersion, shorten(version))
	}
	return linked
}
