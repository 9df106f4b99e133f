package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/serin-mesh/serin/api"
)

// prefix is what names of arguments begin with between the brackets.
const prefix = "args."

// Resolve fills in a metric's arguments: {{args.NAME}}, with or without blanks,
// becomes the argument's value in each text of the metric, also where the text
// stands for a number. Values are not looked at again. The values of secrets
// that the metric names come from the function given; they are also given back,
// for [Judge] to keep them out of what is stored. It is an error if there is
// anything else between double brackets, or no value.
func Resolve(metric api.Metric, args []api.Argument, secret func(name, key string) (string, error)) (api.Metric, Secrets, error) {
	var used Secrets
	lookup := func(name string) (string, error) {
		a, ok := argument(args, name)
		switch {
		case !ok:
			return "", fmt.Errorf("{{%s%s}}: there is no such argument", prefix, name)
		case a.ValueFrom != nil && a.ValueFrom.SecretKeyRef != nil:
			ref := a.ValueFrom.SecretKeyRef
			value, err := secret(ref.Name, ref.Key)
			if err != nil {
				return "", fmt.Errorf("{{%s%s}}: %w", prefix, name, err)
			}
			used = append(used, value)
			return value, nil
		case a.Value == nil:
			return "", fmt.Errorf("{{%s%s}}: the argument has no value", prefix, name)
		}
		return *a.Value, nil
	}
	out, err := substitute(metric, lookup)
	if err != nil {
		return api.Metric{}, used, fmt.Errorf("metric %q: %w", metric.Name, err)
	}
	return out, used, nil
}

// argument finds an argument by its name.
func argument(args []api.Argument, name string) (api.Argument, bool) {
	for _, a := range args {
		if a.Name == name {
			return a, true
		}
	}
	return api.Argument{}, false
}

// resolveAll resolves metrics for the rules. No rule may rest on a secret, so
// the secrets stay what they are: references, shown by name.
func resolveAll(spec *api.AnalysisRunSpec) ([]api.Metric, error) {
	out := make([]api.Metric, len(spec.Metrics))
	for i, m := range spec.Metrics {
		var err error
		out[i], _, err = Resolve(m, spec.Args, func(name, key string) (string, error) {
			return fmt.Sprintf("<%s of Secret %s>", key, name), nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// substitute fills in the texts of a metric, wherever they are.
func substitute(metric api.Metric, lookup func(string) (string, error)) (api.Metric, error) {
	text, err := json.Marshal(metric)
	if err != nil {
		return metric, fmt.Errorf("encoding it: %w", err)
	}
	if !bytes.Contains(text, []byte("{{")) {
		return metric, nil
	}
	// Numbers keep their digits.
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return metric, fmt.Errorf("decoding it: %w", err)
	}
	if tree, err = walk(tree, lookup); err != nil {
		return metric, err
	}
	if text, err = json.Marshal(tree); err != nil {
		return metric, fmt.Errorf("encoding it: %w", err)
	}
	var out api.Metric
	if err := json.Unmarshal(text, &out); err != nil {
		return metric, fmt.Errorf("with its arguments: %w", err)
	}
	return out, nil
}

// walk fills in the texts of a JSON tree, names of fields too.
func walk(node any, lookup func(string) (string, error)) (any, error) {
	var err error
	switch n := node.(type) {
	case string:
		return expand(n, lookup)
	case []any:
		for i := range n {
			if n[i], err = walk(n[i], lookup); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		out := make(map[string]any, len(n))
		for name, value := range n {
			if name, err = expand(name, lookup); err != nil {
				return nil, err
			}
			if out[name], err = walk(value, lookup); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return node, nil
}

// expand fills in one text.
func expand(text string, lookup func(string) (string, error)) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		tag, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return "", fmt.Errorf("%q has no end: write {{%sNAME}}", "{{"+rest, prefix)
		}
		name, ok := strings.CutPrefix(strings.TrimSpace(tag), prefix)
		if !ok {
			return "", fmt.Errorf("{{%s}} is not an argument: write {{%sNAME}}", tag, prefix)
		}
		value, err := lookup(name)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		text = after
	}
}
