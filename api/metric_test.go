package api

import (
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// TestDelay: what reads proxies' reports is first measured when its window can
// be full, unless its author says otherwise.
func TestDelay(t *testing.T) {
	const side = "control: {web: {url: x}}, experiment: "
	for text, want := range map[string]struct {
		delay  time.Duration
		envoys int
		err    string
	}{
		"provider: {web: {url: x}}":                                                            {},
		"{initialDelay: 5s, provider: {web: {url: x}}}":                                        {delay: 5 * time.Second},
		"provider: {envoy: {metric: errorRatio}}":                                              {delay: time.Minute, envoys: 1},
		"provider: {envoy: {metric: errorRatio, window: 10s}}":                                 {delay: 10 * time.Second, envoys: 1},
		"{initialDelay: 0s, provider: {envoy: {metric: errorRatio}}}":                          {envoys: 1},
		"provider: {envoy: {metric: errorRatio, window: 2h}}":                                  {delay: MostEnvoyWindow, envoys: 1},
		"provider: {envoy: {metric: errorRatio, window: soon}}":                                {envoys: 1, err: `window: "soon"`},
		"{initialDelay: soon, provider: {web: {url: x}}}":                                      {err: `initialDelay: "soon"`},
		"provider: {kayenta: {address: x}}":                                                    {},
		"provider: {kayenta: {config: {}, series: [{" + side + "{envoy: {window: 3m}}}, {}]}}": {delay: 3 * time.Minute, envoys: 1},
	} {
		var m Metric
		if err := yaml.UnmarshalStrict([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		delay, err := m.Delay()
		if delay != want.delay || len(m.EnvoyMetrics()) != want.envoys || (err == nil) != (want.err == "") || err != nil && !strings.HasPrefix(err.Error(), want.err) {
			t.Errorf("%s: %s, %v, reads %d; want %+v", text, delay, err, len(m.EnvoyMetrics()), want)
		}
	}
}
