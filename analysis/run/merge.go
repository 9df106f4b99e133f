package run

import (
	"fmt"

	"github.com/serin-mesh/serin/api"
)

// Flatten gives the templates that references mean, and those that they name in
// turn, each once, in the order in which they are first named. The references
// are of a namespace; find gives a template by its key. It is an error if a
// template does not exist.
func Flatten(refs []api.AnalysisTemplateRef, namespace string, find func(api.Key) (*api.AnalysisTemplateSpec, bool)) ([]api.AnalysisTemplateSpec, error) {
	var out []api.AnalysisTemplateSpec
	seen := map[api.Key]bool{}
	var add func([]api.AnalysisTemplateRef) error
	add = func(refs []api.AnalysisTemplateRef) error {
		for _, ref := range refs {
			key := ref.Key(namespace)
			if seen[key] {
				continue
			}
			seen[key] = true
			spec, ok := find(key)
			if !ok {
				return fmt.Errorf("there is no %s %q", kind(ref), ref.TemplateName)
			}
			out = append(out, *spec)
			if err := add(spec.Templates); err != nil {
				return err
			}
		}
		return nil
	}
	if err := add(refs); err != nil {
		return nil, err
	}
	return out, nil
}

// kind names the kind that a reference means.
func kind(ref api.AnalysisTemplateRef) string {
	if ref.ClusterScope {
		return "ClusterAnalysisTemplate"
	}
	return "AnalysisTemplate"
}

// Merge makes the spec of a run of templates that [Flatten] gave. The arguments
// are those of whoever runs them, with values or references to secrets: they
// stand in for the templates' own, and those that no template has are left out.
// So do the rules for dry runs and retention add to the templates'.
//
// It is an error if two metrics have one name, two templates give an argument
// different values, an argument has no value, or a rule is there twice.
func Merge(templates []api.AnalysisTemplateSpec, args []api.Argument, dryRun []api.DryRun, retention []api.MeasurementRetention) (api.AnalysisRunSpec, error) {
	var s api.AnalysisRunSpec
	s.DryRun = append(s.DryRun, dryRun...)
	s.MeasurementRetention = append(s.MeasurementRetention, retention...)
	for _, t := range templates {
		s.Metrics = append(s.Metrics, t.Metrics...)
		s.DryRun = append(s.DryRun, t.DryRun...)
		s.MeasurementRetention = append(s.MeasurementRetention, t.MeasurementRetention...)
	}
	if name, twice := repeated(s.Metrics, func(m api.Metric) string { return m.Name }); twice {
		return api.AnalysisRunSpec{}, fmt.Errorf("two metrics have the name %q", name)
	}
	if name, twice := repeated(s.DryRun, func(d api.DryRun) string { return d.MetricName }); twice {
		return api.AnalysisRunSpec{}, fmt.Errorf("two rules of dryRun have the metricName %q", name)
	}
	if name, twice := repeated(s.MeasurementRetention, func(m api.MeasurementRetention) string { return m.MetricName }); twice {
		return api.AnalysisRunSpec{}, fmt.Errorf("two rules of measurementRetention have the metricName %q", name)
	}
	var err error
	s.Args, err = mergeArgs(templates, args)
	return s, err
}

// repeated gives the first name that is there twice.
func repeated[T any](all []T, name func(T) string) (string, bool) {
	seen := map[string]bool{}
	for _, v := range all {
		if seen[name(v)] {
			return name(v), true
		}
		seen[name(v)] = true
	}
	return "", false
}

// mergeArgs gives the templates' arguments with their values.
func mergeArgs(templates []api.AnalysisTemplateSpec, given []api.Argument) ([]api.Argument, error) {
	var args []api.Argument
	at := map[string]int{}
	for _, t := range templates {
		for _, a := range t.Args {
			i, known := at[a.Name]
			if !known {
				at[a.Name] = len(args)
				args = append(args, a)
				continue
			}
			if before := args[i]; before.Value == nil {
				args[i] = a
			} else if a.Value != nil && *a.Value != *before.Value {
				return nil, fmt.Errorf("two templates give the argument %q different values, %q and %q", a.Name, *before.Value, *a.Value)
			}
		}
	}
	for _, a := range given {
		if i, known := at[a.Name]; known && (a.Value != nil || a.ValueFrom != nil) {
			args[i] = a
		}
	}
	for _, a := range args {
		if a.Value == nil && (a.ValueFrom == nil || a.ValueFrom.SecretKeyRef == nil) {
			return nil, fmt.Errorf("the argument %q has no value", a.Name)
		}
	}
	return args, nil
}
