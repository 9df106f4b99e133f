package deploy_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const (
	dashboardFile = "grafana/serin.json"
	alertsFile    = "prometheus/alerts.yaml"
)

// read gives the text of a file.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMonitoring: the chart has copies of both, for it can hold no file from outside.
func TestMonitoring(t *testing.T) {
	fresh(t, "chart/serin/files/dashboard.json", read(t, dashboardFile))
	alerts := read(t, alertsFile)
	fresh(t, "chart/serin/files/alerts.yaml", alerts[strings.Index(alerts, "groups:"):])
}

// expressions gives every expression of the dashboard and the alerts, by where it
// stands.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, dashboardFile)), &dashboard); err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, alertsFile)), &rules); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			all[p.Title+": "+target.Expr] = target.Expr
		}
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			all[r.Alert] = r.Expr
		}
	}
	if len(all) < 25 {
		t.Fatalf("only %d expressions were found", len(all))
	}
	return all
}

// What an expression is made of, as far as it is looked at here.
var (
	metricNames = regexp.MustCompile(`\bserin_[a-z_]+\b`)
	matchers    = regexp.MustCompile(`\b(serin_[a-z_]+)\{([^}]*)\}`)
	labelNames  = regexp.MustCompile(`([a-z]+) *(?:=~|!=|!~|=) *"`)
	exported    = regexp.MustCompile(`(?s)(?:NewDesc|describe)\("(serin_[a-z_]+)",\s*"[^"]*"([^)]*)\)|Name: +"(serin_[a-z_]+)"`)
	quoted      = regexp.MustCompile(`"([a-z]+)"`)
)

// labelsOf gives the labels of each metric that the server exports, as its source
// has them.
func labelsOf(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, m := range exported.FindAllStringSubmatch(read(t, "../server/metrics.go"), -1) {
		name := m[1] + m[3]
		all[name] = []string{}
		if strings.HasPrefix(m[0], "describe") {
			all[name] = append(all[name], "namespace", "rollout")
		}
		for _, label := range quoted.FindAllStringSubmatch(m[2], -1) {
			all[name] = append(all[name], label[1])
		}
	}
	if len(all) < 13 {
		t.Fatalf("only %d metrics were found: %v", len(all), all)
	}
	return all
}

// TestMetricsExist: what the dashboard and the alerts ask for, the server exports,
// with these labels.
func TestMetricsExist(t *testing.T) {
	metrics := labelsOf(t)
	seen := map[string]bool{}
	for where, expr := range expressions(t) {
		for _, name := range metricNames.FindAllString(expr, -1) {
			seen[name] = true
			if _, ok := metrics[name]; !ok {
				t.Errorf("%s: the server has no metric %s", where, name)
			}
		}
		for _, m := range matchers.FindAllStringSubmatch(expr, -1) {
			for _, label := range labelNames.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(metrics[m[1]], label[1]) {
					t.Errorf("%s: %s has no label %s, but %v", where, m[1], label[1], metrics[m[1]])
				}
			}
		}
	}
	for name := range metrics {
		if !seen[name] {
			t.Errorf("nothing shows %s", name)
		}
	}
}
