package main

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

// received is the statistic of an Envoy that counts what Serin sent to it, in
// bytes on the wire. Serin's bootstrap leaves it out.
const received = "cluster.serin.upstream_cx_rx_bytes_total"

// withBytes makes an Envoy count what it gets from Serin.
func withBytes(boot []byte) ([]byte, error) {
	return edit(boot, func(b map[string]any) error {
		kept, ok := at(b, "stats_config", "stats_matcher", "inclusion_list")
		if !ok {
			return nil // everything is counted
		}
		patterns, _ := kept["patterns"].([]any)
		kept["patterns"] = append(patterns, map[string]any{"exact": received})
		return nil
	})
}

// withoutLayer makes an Envoy that has no runtime layer of Serin's, and hence
// takes weights as part of its routes.
func withoutLayer(boot []byte) ([]byte, error) {
	return edit(boot, func(b map[string]any) error {
		runtime, ok := at(b, "layered_runtime")
		layers, _ := runtime["layers"].([]any)
		var others []any
		for _, l := range layers {
			if fields, _ := l.(map[string]any); fields["rtds_layer"] == nil {
				others = append(others, l)
			}
		}
		if !ok || len(others) == len(layers) {
			return fmt.Errorf("the bootstrap has no runtime layer to take out")
		}
		runtime["layers"] = others
		return nil
	})
}

// edit changes a bootstrap.
func edit(boot []byte, change func(map[string]any) error) ([]byte, error) {
	var fields map[string]any
	if err := yaml.Unmarshal(boot, &fields); err != nil {
		return nil, fmt.Errorf("reading a bootstrap: %w", err)
	}
	if err := change(fields); err != nil {
		return nil, fmt.Errorf("changing a bootstrap: %w", err)
	}
	out, err := yaml.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("writing a bootstrap: %w", err)
	}
	return out, nil
}

// at goes down a path of fields.
func at(fields map[string]any, path ...string) (map[string]any, bool) {
	for _, name := range path {
		next, ok := fields[name].(map[string]any)
		if !ok {
			return nil, false
		}
		fields = next
	}
	return fields, true
}
