package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/serin-mesh/serin/analysis/provider"
	analysis "github.com/serin-mesh/serin/analysis/run"
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/lab"
)

// This file proves the templates of deploy/analysis on a real Prometheus: a good
// version passes, and a bad one fails for its fault and no other.

const templatesDir = "../deploy/analysis"

// template reads one of the ready-made templates, which has nothing to be warned
// of.
func template(t *testing.T, name string) api.AnalysisTemplateSpec {
	t.Helper()
	file := filepath.Join(templatesDir, name+".yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	docs, findings := api.Decode(file, text)
	for _, f := range findings {
		t.Error(f)
	}
	if len(docs) != 1 || docs[0].Object == nil {
		t.Fatalf("%s holds %d objects, want one", file, len(docs))
	}
	made, ok := docs[0].Object.(*api.AnalysisTemplate)
	if !ok || made.Name != name {
		t.Fatalf("%s holds %T %s", file, docs[0].Object, docs[0].Key)
	}
	return made.Spec
}

// TestTemplatesDecode reads all there are.
func TestTemplatesDecode(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(templatesDir, "*.yaml"))
	if err != nil || len(files) < 7 {
		t.Fatalf("%d templates, %v", len(files), err)
	}
	for _, f := range files {
		template(t, strings.TrimSuffix(filepath.Base(f), ".yaml"))
	}
}

// TestTemplatesTogether: any of them can be parts of one analysis. What they call
// by one name is the same thing, with the same default.
func TestTemplatesTogether(t *testing.T) {
	var all []api.AnalysisTemplateSpec
	given := map[string]api.Argument{}
	files, _ := filepath.Glob(filepath.Join(templatesDir, "*.yaml")) // the pattern is good
	for _, f := range files {
		spec := template(t, strings.TrimSuffix(filepath.Base(f), ".yaml"))
		all = append(all, spec)
		for _, a := range spec.Args {
			if a.Value == nil {
				value := "x"
				given[a.Name] = api.Argument{Name: a.Name, Value: &value}
			}
		}
	}
	spec, err := analysis.Merge(all, slices.Collect(maps.Values(given)), nil, nil)
	if err != nil || len(spec.Metrics) != len(files)+2 {
		t.Errorf("%d metrics of %d templates: %v", len(spec.Metrics), len(files), err)
	}
}

// outcome runs a template once with arguments, and gives how it ended: the
// phase, and the metrics that did not pass.
func outcome(t *testing.T, set *provider.Set, name string, args map[string]string) string {
	t.Helper()
	var given []api.Argument
	for n, v := range args {
		given = append(given, api.Argument{Name: n, Value: &v})
	}
	spec, err := analysis.Merge([]api.AnalysisTemplateSpec{template(t, name)}, given, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	status := analyse(t, set, spec)
	out := string(status.Phase)
	for _, m := range status.MetricResults {
		if m.Phase != api.AnalysisSuccessful {
			out += " " + m.Name
		}
	}
	if status.Phase == api.AnalysisError {
		t.Errorf("%s: %s", name, status.Message)
	}
	return out
}

// filled waits until a Prometheus has scraped for as long as the tests look back.
func filled(t *testing.T, set *provider.Set, address string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		got, err := set.Measure(t.Context(), promMetric(address, "scalar(min(count_over_time(up[3s])))", ""), provider.Subject{})
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := got.Result.(float64); ok && n >= 12 { // NaN is not
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for scrapes: %v", patience, got)
		}
	}
}

// soonArgs are arguments for the scrapes of a test.
func soonArgs(more map[string]string) map[string]string {
	args := map[string]string{"window": "2s", "interval": "300ms", "count": "2"}
	for n, v := range more {
		args[n] = v
	}
	return args
}

// TestTrafficTemplates: success rate and latency of a real Envoy's clusters.
func TestTrafficTemplates(t *testing.T) {
	r := newRig(t, options{steps: []string{"setWeight: 50", "pause: {}"}, guard: `{mode: "off"}`})
	address := r.scraped()
	set := provider.New(provider.Options{})
	t.Cleanup(set.Close)
	r.load(200)
	r.want("v2")
	r.await("paused at 50%", paused(50))
	filled(t, set, address)
	run := func(name, version string, more map[string]string) string {
		args := soonArgs(more)
		args["prometheus"], args["service"], args["version"] = address, "default/shop/80", version
		return outcome(t, set, name, args)
	}
	most := map[string]string{"most-milliseconds": "100"}
	for _, c := range []struct {
		name, version string
		fault         lab.Fault
		more          map[string]string
		want          string
	}{
		{"success-rate", "v1", lab.Fault{}, nil, "Successful"},
		{"latency", "v1", lab.Fault{}, most, "Successful"},
		{"success-rate", "v2", lab.Fault{FailRatio: 0.1}, nil, "Failed success-rate"},
		{"success-rate", "v2", lab.Fault{FailRatio: 0.1}, map[string]string{"least": "0.5"}, "Successful"},
		{"success-rate", "v2", lab.Fault{FailRatio: 1}, nil, "Failed success-rate"},
		{"latency", "v2", lab.Fault{Delay: 150 * time.Millisecond}, most, "Failed latency"},
		{"latency", "v2", lab.Fault{Delay: 150 * time.Millisecond}, map[string]string{"most-milliseconds": "300"}, "Successful"},
		{"success-rate", "v3", lab.Fault{}, nil, "Inconclusive success-rate"},
		{"latency", "v3", lab.Fault{}, most, "Inconclusive latency"},
	} {
		r.apps["v2"].Set(c.fault)
		if got := run(c.name, c.version, c.more); got != c.want {
			t.Errorf("%s of %s with %+v: %s, want %s", c.name, c.version, c.fault, got, c.want)
		}
	}
}

// exporter serves series that grow with time, as exporters do.
type exporter struct {
	since  time.Time
	series []series
}

// series is one line of an exporter: so much, and so much more a second.
type series struct {
	name   string
	start  float64
	growth float64
}

func (e *exporter) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	seconds := time.Since(e.since).Seconds()
	for _, s := range e.series {
		fmt.Fprintf(w, "%s %g\n", s.name, s.start+s.growth*seconds)
	}
}

// exported starts a Prometheus that scrapes series.
func exported(t *testing.T, all []series) string {
	t.Helper()
	server := httptest.NewServer(&exporter{since: time.Now(), series: all})
	t.Cleanup(server.Close)
	p, err := lab.StartPrometheus(t.TempDir(), 200*time.Millisecond, strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return p.URL()
}

// podOf gives what the kubelet and kube-state-metrics export of one pod: its
// container, the pod as a whole, and the container that holds its network.
func podOf(version, suffix string, cpu, memory, restarts float64) []series {
	pod := "shop-" + version + "-" + suffix
	of := func(name, container, more string) string {
		return fmt.Sprintf(`%s{namespace="default",pod=%q,container=%q%s}`, name, pod, container, more)
	}
	return []series{
		{of("container_cpu_usage_seconds_total", "app", ""), 7, cpu},
		{of("container_cpu_usage_seconds_total", "", ""), 7, cpu},
		{of("container_cpu_usage_seconds_total", "POD", ""), 7, cpu},
		{of("container_memory_working_set_bytes", "app", ""), memory * 1e8, 0},
		{of("container_memory_working_set_bytes", "", ""), 5e8, 0},
		{of("kube_pod_container_resource_limits", "app", `,resource="cpu",unit="core",node="a"`), 0.5, 0},
		{of("kube_pod_container_resource_limits", "app", `,resource="memory",unit="byte",node="a"`), 1e8, 0},
		{of("kube_pod_container_status_restarts_total", "app", ""), 3, restarts},
	}
}

// TestSaturationTemplate: each fault is found by its own metric, and neither the
// pods of other versions nor the lines of whole pods count.
func TestSaturationTemplate(t *testing.T) {
	var all []series
	all = append(all, podOf("v1", "aaaaa", 0.2, 0.5, 0)...)
	all = append(all, podOf("v1", "bbbbb", 0.44, 0.85, 0)...)
	all = append(all, podOf("v2", "aaaaa", 0.1, 0.5, 0)...)
	all = append(all, podOf("v2", "bbbbb", 0.49, 0.5, 0)...)
	all = append(all, podOf("v3", "aaaaa", 0.1, 0.97, 0)...)
	all = append(all, podOf("v4", "aaaaa", 0.1, 0.5, 1)...)
	address := exported(t, all)
	set := provider.New(provider.Options{})
	t.Cleanup(set.Close)
	filled(t, set, address)
	for version, want := range map[string]string{
		"v1": "Successful", "v2": "Failed cpu", "v3": "Failed memory", "v4": "Failed restarts", "v5": "Inconclusive",
	} {
		got := outcome(t, set, "saturation", soonArgs(map[string]string{
			"prometheus": address, "namespace": "default", "workload": "shop", "version": version}))
		if got != want && (version != "v5" || !strings.HasPrefix(got, want)) {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}

// TestGRPCTemplate: the codes that blame the server count, and only those.
func TestGRPCTemplate(t *testing.T) {
	var all []series
	for version, codes := range map[string]map[string]float64{
		"v1": {"OK": 100, "NotFound": 40, "Unavailable": 0.2},
		"v2": {"OK": 100, "Unavailable": 5, "Internal": 5},
		"v3": {"Internal": 10},
	} {
		for code, rate := range codes {
			all = append(all, series{fmt.Sprintf(`grpc_server_handled_total{grpc_type="unary",grpc_service="shop.v1.Shop",grpc_method="Buy",version=%q,grpc_code=%q}`, version, code), 5, rate})
		}
	}
	address := exported(t, all)
	set := provider.New(provider.Options{})
	t.Cleanup(set.Close)
	filled(t, set, address)
	for version, want := range map[string]string{
		"v1": "Successful", "v2": "Failed grpc-success-rate", "v3": "Failed grpc-success-rate", "v4": "Inconclusive grpc-success-rate",
	} {
		got := outcome(t, set, "grpc-success-rate", soonArgs(map[string]string{"prometheus": address, "grpc-service": "shop.v1.Shop", "version": version}))
		if got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}
