package main

import (
	"os"
	"regexp"
	"testing"
)

// TestChartFlags: what the plain manifests run, the program understands.
func TestChartFlags(t *testing.T) {
	text, err := os.ReadFile("../../deploy/install.yaml")
	if err != nil {
		t.Fatal(err)
	}
	flags := newServeCommand().Flags()
	found := regexp.MustCompile(`(?m)^ +- --([a-z-]+)(?:=(.*))?$`).FindAllStringSubmatch(string(text), -1)
	if len(found) < 8 {
		t.Errorf("only %d flags were found", len(found))
	}
	for _, f := range found {
		flag := flags.Lookup(f[1])
		if flag == nil {
			t.Errorf("serve has no flag --%s", f[1])
			continue
		}
		value := f[2]
		if value == "" {
			value = flag.NoOptDefVal
		}
		if err := flag.Value.Set(value); err != nil {
			t.Errorf("--%s=%s: %v", f[1], value, err)
		}
	}
}
