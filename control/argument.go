package control

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/serin-mesh/serin/analysis/experiment"
	"github.com/serin-mesh/serin/api"
)

// arguments fills in the arguments that tell of the Rollout: the versions and
// its fields. Those of Secrets stay references.
func (c *canary) arguments(args []api.Argument) ([]api.Argument, error) {
	out := make([]api.Argument, len(args))
	for i, a := range args {
		out[i] = a
		from := a.ValueFrom
		if from == nil || from.SecretKeyRef != nil {
			continue
		}
		value, err := c.argument(from)
		if err != nil {
			return nil, fmt.Errorf("argument %q: %w", a.Name, err)
		}
		out[i].Value, out[i].ValueFrom = &value, nil
	}
	return out, nil
}

// argument gives a value that is taken from the Rollout.
func (c *canary) argument(from *api.ValueFrom) (string, error) {
	switch {
	case from.PodTemplateHashValue != nil && *from.PodTemplateHashValue == "Latest":
		return c.state.Version, nil
	case from.PodTemplateHashValue != nil && *from.PodTemplateHashValue == "Stable":
		return c.state.Stable, nil
	case from.PodTemplateHashValue != nil:
		return "", fmt.Errorf("podTemplateHashValue %q is neither Stable nor Latest", *from.PodTemplateHashValue)
	case from.FieldRef != nil:
		return fieldOf(c.object, from.FieldRef.FieldPath)
	}
	return "", fmt.Errorf("it has no value")
}

// fieldOf gives a field of an object as text, by a path such as
// metadata.labels['team'] or spec.replicas.
func fieldOf(object any, path string) (string, error) {
	raw, err := json.Marshal(object)
	if err != nil {
		return "", fmt.Errorf("reading the fields: %w", err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return "", fmt.Errorf("reading the fields: %w", err)
	}
	for _, name := range fieldNames(path) {
		fields, ok := tree.(map[string]any)
		if !ok || fields[name] == nil {
			return "", fmt.Errorf("the Rollout has no field %s", path)
		}
		tree = fields[name]
	}
	if text, ok := tree.(string); ok {
		return text, nil
	}
	text, err := json.Marshal(tree)
	return string(text), err
}

// fieldNames splits a path at its dots; in brackets and quotes stands a name
// with dots.
func fieldNames(path string) []string {
	var names []string
	for path != "" {
		if rest, ok := strings.CutPrefix(path, "['"); ok {
			name, after, _ := strings.Cut(rest, "']")
			names, path = append(names, name), strings.TrimPrefix(after, ".")
			continue
		}
		end := strings.IndexAny(path, ".[")
		switch {
		case end < 0:
			return append(names, path)
		case path[end] == '.':
			names, path = append(names, path[:end]), path[end+1:]
		case end == 0: // a bracket without quotes is part of a name
			return append(names, path)
		default:
			names, path = append(names, path[:end]), path[end:]
		}
	}
	return names
}

// templates says of an experiment's templates what its arguments may name: each runs
// the stable version or the canary.
func (c *canary) templates(all []api.ExperimentStepTemplate) map[string]experiment.Facts {
	out := map[string]experiment.Facts{}
	for _, t := range all {
		version := c.state.Version
		if t.SpecRef == "stable" {
			version = c.state.Stable
		}
		out[t.Name] = experiment.Facts{Hash: version}
	}
	return out
}
