package api

import (
	"maps"
	"slices"
	"strings"
)

// usage is an analysis of an object: templates with arguments.
type usage struct {
	v         *validator
	doc       *Document
	namespace string // of the object
	at        path   // of the analysis
	refs      []AnalysisTemplateRef
	refPath   func(i int) path
	args      []Argument
	rules     *RolloutAnalysis // its dryRun and measurementRetention
	ends      bool             // something else ends it

	names   []string                // of the templates found, in their order
	specs   []*AnalysisTemplateSpec // and what they say
	visited map[AnalysisTemplateRef]bool
	broken  bool // a template is not there, or has errors of its own
}

// analyses checks what the analyses of a Rollout refer to.
func (v *validator) analyses(d *Document, r *Rollout) {
	c := r.Spec.Strategy.Canary
	if c == nil {
		return
	}
	if b := c.Analysis; b != nil {
		v.use(d, r, canaryPath("analysis"), &b.RolloutAnalysis, true)
	}
	for i := range c.Steps {
		at := canaryPath("steps", d.step(i))
		if a := c.Steps[i].Analysis; a != nil {
			v.use(d, r, at.with("analysis"), a, false)
		}
		if e := c.Steps[i].Experiment; e != nil {
			v.experiment(d, r.Namespace, at.with("experiment"), e.Analyses, e.Duration != "")
		}
	}
}

// run checks what an AnalysisRun refers to.
func (v *validator) run(d *Document, r *AnalysisRun) {
	args := map[string]Argument{}
	for _, a := range r.Spec.Args {
		args[a.Name] = a
	}
	v.argumentSecrets(d, r.Namespace, path{"spec"}, args)
}

// use checks an analysis.
func (v *validator) use(d *Document, r *Rollout, at path, a *RolloutAnalysis, ends bool) {
	u := usage{v: v, doc: d, namespace: r.Namespace, at: at, refs: a.Templates, args: a.Args, rules: a, ends: ends}
	u.refPath = func(i int) path { return at.with("templates", i, "templateName") }
	u.check()
}

// experiment checks the analyses of an experiment, which last as long as it: ends
// says that it has an end of its own.
func (v *validator) experiment(d *Document, namespace string, at path, analyses []ExperimentAnalysis, ends bool) {
	for i := range analyses {
		a, p := &analyses[i], at.with("analyses", i)
		u := usage{v: v, doc: d, namespace: namespace, at: p, refs: []AnalysisTemplateRef{a.Ref()}, args: a.Args,
			rules: &RolloutAnalysis{}, ends: ends}
		u.refPath = func(int) path { return p.with("templateName") }
		u.check()
	}
}

// check notes all that is wrong with the analysis.
func (u *usage) check() {
	u.visited = map[AnalysisTemplateRef]bool{}
	for i, ref := range u.refs {
		u.gather(ref, "", u.refPath(i))
	}
	if u.broken {
		return
	}
	args, ok := u.merge()
	if !ok {
		return
	}
	u.v.argumentSecrets(u.doc, u.namespace, u.at, args)
	seen := map[string]string{}
	for i, spec := range u.specs {
		for j := range spec.Metrics {
			m := &spec.Metrics[j]
			if first, twice := seen[m.Name]; twice {
				u.note(CodeMetricTwice, u.at, "the templates %s and %s both have a metric %q; rename one", first, u.names[i], shorten(m.Name))
				continue
			}
			seen[m.Name] = u.names[i]
			u.metric(m, u.names[i], args)
		}
	}
	u.unmatched(seen)
}

// note adds a finding about the analysis.
func (u *usage) note(code Code, p path, format string, args ...any) {
	u.v.note(u.doc, code, p, Key{}, format, args...)
}

// gather finds a template and those that it refers to, each once. from is the
// template that refers to it, "" for the Rollout.
func (u *usage) gather(ref AnalysisTemplateRef, from string, p path) {
	if u.visited[ref] {
		return
	}
	u.visited[ref] = true
	kind := kindAnalysisTemplate
	if ref.ClusterScope {
		kind = kindClusterAnalysisTemplate
	}
	key := ref.Key(u.namespace)
	target := u.v.get(kind, key)
	if target == nil {
		u.broken = true
		u.absent(kind, key, from, p)
		return
	}
	var spec *AnalysisTemplateSpec
	switch o := target.Object.(type) {
	case *AnalysisTemplate:
		spec = &o.Spec
	case *ClusterAnalysisTemplate:
		spec = &o.Spec
	default:
		u.broken = true // it has errors of its own
		return
	}
	u.names, u.specs = append(u.names, ref.TemplateName), append(u.specs, spec)
	for _, nested := range spec.Templates {
		u.gather(nested, ref.TemplateName, p)
	}
}

// absent notes a template that is not there, and says which are.
func (u *usage) absent(kind string, key Key, from string, p path) {
	names := u.v.names(kind, key.Namespace)
	there := "there is none in " + u.v.place()
	if len(names) > 0 {
		slices.Sort(names)
		const most = 8
		if len(names) > most {
			names = append(names[:most], "...")
		}
		there = "there are " + strings.Join(names, ", ")
	}
	if from != "" {
		from = ", which the template " + from + " refers to"
	}
	u.note(CodeNoAnalysis, p, "there is no %s %s%s; %s", kind, key, from, there)
}

// merge gives the arguments of all templates with the values that the Rollout
// gives them; false where that cannot be said.
func (u *usage) merge() (map[string]Argument, bool) {
	args, ok := map[string]Argument{}, true
	for i, spec := range u.specs {
		for _, a := range spec.Args {
			old, there := args[a.Name]
			if there && old.Value != nil && a.Value != nil && *old.Value != *a.Value {
				ok = false
				u.note(CodeArgument, u.at, "the template %s gives the argument %q another value than the ones before it; "+
					"make them agree", u.names[i], shorten(a.Name))
			}
			if !there || old.Value == nil {
				args[a.Name] = a
			}
		}
	}
	for i, a := range u.args {
		old, asked := args[a.Name]
		if !asked {
			u.note(CodeArgUnused, u.at.with("args", i, "name"), "no template asks for the argument %q; remove it or correct the name", shorten(a.Name))
			continue
		}
		// As in Argo a value beside a valueFrom stays what it was.
		if a.Value != nil {
			old.Value = a.Value
		} else if a.ValueFrom != nil {
			old.ValueFrom = a.ValueFrom
		}
		args[a.Name] = old
	}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if a := args[name]; a.Value == nil && a.ValueFrom == nil {
			ok = false
			u.note(CodeArgMissing, u.at, "the argument %q has no value; add args: [{name: %s, value: ...}]", shorten(name), shorten(name))
		}
	}
	return args, ok
}

// argumentSecrets notes arguments from Secrets that are not there.
func (v *validator) argumentSecrets(d *Document, namespace string, at path, args map[string]Argument) {
	for _, name := range slices.Sorted(maps.Keys(args)) {
		a := args[name]
		if a.Value != nil || a.ValueFrom == nil || a.ValueFrom.SecretKeyRef == nil {
			continue
		}
		ref := a.ValueFrom.SecretKeyRef
		key := keyIn(namespace, ref.Name)
		target := v.get(kindSecret, key)
		if target == nil {
			v.note(d, CodeNoSecret, at, Key{}, "the argument %q is from the Secret %s, which is in none of %s", shorten(name), key, v.place())
			continue
		}
		if s, ok := target.Object.(*Secret); ok && s.Data[ref.Key] == nil {
			v.note(d, CodeNoSecret, at, Key{}, "the argument %q is from the key %q of the Secret %s, which has no such key",
				shorten(name), shorten(ref.Key), key)
		}
	}
}
