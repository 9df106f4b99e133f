package api

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Single documents to put together, one line each but for the Rollout.
const (
	gatewayText  = "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: edge}, spec: {listeners: [{name: http, protocol: HTTP, port: 80}]}}"
	routeText    = "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: r}, spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: shop, port: 80}]}]}}"
	serviceText  = "{apiVersion: v1, kind: Service, metadata: {name: shop}, spec: {ports: [{port: 80}]}}"
	sliceText    = "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: s1, labels: {kubernetes.io/service-name: shop, app.kubernetes.io/version: v1}}, addressType: IPv4, endpoints: [{addresses: [127.0.0.1]}], ports: [{port: 80}]}"
	rolloutText  = "{apiVersion: serin.dev/v1alpha1, kind: Rollout, metadata: {name: shop}, spec: {template: {metadata: {labels: {app.kubernetes.io/version: v1}}}, strategy: {canary: {}}}}"
	documentMark = "\n---\n"
)

// edit replaces in one document, which must hold what is replaced.
func edit(t *testing.T, text, old, with string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("%q is not in %q", old, text)
	}
	return strings.Replace(text, old, with, 1)
}

func TestValidate(t *testing.T) {
	all := []string{gatewayText, routeText, serviceText, sliceText, rolloutText} // at lines 1, 3, 5, 7, 9
	with := func(i int, old, new string) []string {
		out := slices.Clone(all)
		out[i] = edit(t, out[i], old, new)
		return out
	}
	without := func(i int) []string { return slices.Delete(slices.Clone(all), i, i+1) }
	tests := map[string]struct {
		docs []string
		want []string
	}{
		"nothing": {all, nil},
		"twice": {append(slices.Clone(all), serviceText), []string{
			"f.yaml:11:50: E401 metadata.name: Service default/shop is already at f.yaml:5:1; remove one of them"}},
		"twice, in two groups": {append(slices.Clone(all), edit(t, rolloutText, "serin.dev", "argoproj.io")), []string{
			"f.yaml:11:68: E401 metadata.name: Rollout default/shop is already at f.yaml:9:1; remove one of them"}},
		"twice, in two namespaces": {append(slices.Clone(all), edit(t, serviceText, "name: shop", "name: shop, namespace: b")), nil},
		"two Rollouts for a Service": {append(slices.Clone(all), edit(t, edit(t, rolloutText, "name: shop", "name: other"), "canary: {", "canary: {stableService: shop")), []string{
			"f.yaml:11:181: E402 spec.strategy.canary.stableService: the Service default/shop already belongs to Rollout default/shop at f.yaml:9:1; a Service has one Rollout"}},
		"canary and stable the same": {with(4, "canary: {", "canary: {canaryService: shop"), []string{
			"f.yaml:9:180: E402 spec.strategy.canary.canaryService: the Service default/shop is both the stable and the canary one; leave canaryService out"}},
		"no Service": {without(2), []string{
			"f.yaml:3:147: E403 spec.rules[0].backendRefs[0].name: there is no Service default/shop; add it or correct the name",
			"f.yaml:5:114: W426 metadata.labels.kubernetes.io/service-name: there is no Service default/shop, so the endpoints get no traffic",
			"f.yaml:7:66: W421 metadata.name: there is no Service default/shop; add it, or name another in stableService"}},
		"a Service with an error is there": {with(2, "port: 80", "port: 0"), []string{
			"f.yaml:5:79: E304 spec.ports[0].port: the port must be 1 to 65535, not 0"}},
		"no port": {with(1, "port: 80", "port: 81"), []string{
			"f.yaml:3:159: E404 spec.rules[0].backendRefs[0].port: the Service default/shop has no port 81"}},
		"a mirror to nowhere": {with(1, "backendRefs:", "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: no, port: 80}}}], backendRefs:"), []string{
			"f.yaml:3:193: E403 spec.rules[0].filters[0].requestMirror.backendRef.name: there is no Service default/no; add it or correct the name"}},
		"another namespace": {append(with(1, "name: shop", "name: shop, namespace: b"), edit(t, serviceText, "name: shop", "name: shop, namespace: b")), []string{
			"f.yaml:3:164: W321 spec.rules[0].backendRefs[0].namespace: files may refer to another namespace freely; in a cluster a ReferenceGrant there must allow it",
			"f.yaml:9:66: W423 metadata.name: no HTTPRoute has a backendRef to Service default/shop, so it gets no traffic"}},
		"no Gateway": {without(0), []string{
			"f.yaml:1:109: W425 spec.parentRefs[0].name: there is no Gateway default/edge; the route serves nothing there"}},
		"no listener": {with(1, "name: edge", "name: edge, sectionName: https"), []string{
			"f.yaml:3:102: W425 spec.parentRefs[0]: no listener of Gateway default/edge has this sectionName and port"}},
		"another listener's port": {with(1, "name: edge", "name: edge, sectionName: http, port: 81"), []string{
			"f.yaml:3:102: W425 spec.parentRefs[0]: no listener of Gateway default/edge has this sectionName and port"}},
		"a parent of another kind": {with(1, "name: edge", "name: edge, kind: Service, group: ''"), []string{
			"f.yaml:3:121: W425 spec.parentRefs[0].kind: Serin hangs routes on Gateways only; this reference is left aside"}},
		"no parents": {with(1, "parentRefs: [{name: edge}], ", ""), []string{
			"f.yaml:3:88: W425 spec.parentRefs: the route hangs on no Gateway; add parentRefs"}},
		"no slices": {without(3), []string{
			"f.yaml:7:66: W422 metadata.name: version v1 has no endpoints: add an EndpointSlice with the labels kubernetes.io/service-name: shop and app.kubernetes.io/version: v1"}},
		"slices of another version": {with(4, "version: v1", "version: v2"), []string{
			"f.yaml:9:66: W422 metadata.name: version v2 has no endpoints: add an EndpointSlice with the labels kubernetes.io/service-name: shop and app.kubernetes.io/version: v2"}},
		"slices of the canary Service": {append(with(3, "name: shop", "name: c"),
			edit(t, serviceText, "name: shop", "name: c")), []string{
			"f.yaml:9:66: W422 metadata.name: version v1 has no endpoints: add an EndpointSlice with the labels kubernetes.io/service-name: shop and app.kubernetes.io/version: v1"}},
		"no version": {with(3, ", app.kubernetes.io/version: v1", ""), []string{
			"f.yaml:7:85: W424 metadata.labels: the endpoints get no traffic under Rollout default/shop; add the label app.kubernetes.io/version",
			"f.yaml:9:66: W422 metadata.name: version v1 has no endpoints: add an EndpointSlice with the labels kubernetes.io/service-name: shop and app.kubernetes.io/version: v1"}},
		"no version without a Rollout": {[]string{gatewayText, routeText, serviceText, edit(t, sliceText, ", app.kubernetes.io/version: v1", "")}, nil},
		"a slice of nothing": {with(3, "kubernetes.io/service-name: shop, ", ""), []string{
			"f.yaml:7:85: W426 metadata.labels: the slice belongs to no Service; add the label kubernetes.io/service-name",
			"f.yaml:9:66: W422 metadata.name: version v1 has no endpoints: add an EndpointSlice with the labels kubernetes.io/service-name: shop and app.kubernetes.io/version: v1"}},
		"no route": {without(1), []string{
			"f.yaml:7:66: W423 metadata.name: no HTTPRoute has a backendRef to Service default/shop, so it gets no traffic"}},
		"two Gateways on a port": {append(slices.Clone(all), edit(t, gatewayText, "edge", "other")), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, lines(strings.Join(test.docs, documentMark))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestValidateOrder proves that findings come by file, then by line.
func TestValidateOrder(t *testing.T) {
	b, _ := Decode("b.yaml", []byte(routeText+documentMark+edit(t, routeText, "name: r", "name: q")))
	a, _ := Decode("a.yaml", []byte(edit(t, routeText, "name: r", "name: p")))
	var got []string
	for _, f := range Validate(append(b, a...)) {
		if f.Code == CodeNoService {
			got = append(got, fmt.Sprintf("%s:%d", f.File, f.Line))
		}
	}
	if diff := cmp.Diff([]string{"a.yaml:1", "b.yaml:1", "b.yaml:3"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTouches(t *testing.T) {
	docs, _ := Decode("f.yaml", []byte(edit(t, rolloutText, "canary: {", "canary: {canaryService: c")))
	r := docs[0].Object.(*Rollout)
	key := func(name string) Key { return Key{"default", name} }
	tests := map[string]struct {
		finding Finding
		want    bool
	}{
		"itself":          {Finding{Kind: "Rollout", Key: key("shop")}, true},
		"its Service":     {Finding{Kind: "HTTPRoute", Key: key("r"), Service: key("shop")}, true},
		"its canary":      {Finding{Kind: "EndpointSlice", Service: key("c")}, true},
		"another Rollout": {Finding{Kind: "Rollout", Key: key("x")}, false},
		"another Service": {Finding{Kind: "Service", Key: key("shop"), Service: key("x")}, false},
		"no Service":      {Finding{Kind: "Gateway", Key: key("shop")}, false},
	}
	for name, test := range tests {
		if got := test.finding.Touches(r); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestFindingsNameTheirService proves that the findings of a broken slice reach
// the Rollout of its Service.
func TestFindingsNameTheirService(t *testing.T) {
	_, findings := Decode("f.yaml", []byte(edit(t, sliceText, "addresses: [127.0.0.1]", "addresses: [x]")))
	if len(findings) != 1 || findings[0].Service != (Key{"default", "shop"}) || findings[0].Kind != "EndpointSlice" {
		t.Errorf("findings %+v", findings)
	}
}

// TestCodes proves that every code is explained, is used, and belongs to one
// meaning.
func TestCodes(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var text string
	for _, name := range sources {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") {
			text += string(data)
		}
	}
	declared := regexp.MustCompile(`(?m)^\t(Code\w+)\s+Code = "([EW]\d{3})"$`).FindAllStringSubmatch(text, -1)
	seen := map[string]string{}
	for _, d := range declared {
		if before, twice := seen[d[2]]; twice {
			t.Errorf("%s is both %s and %s", d[2], before, d[1])
		}
		seen[d[2]] = d[1]
		if Codes[Code(d[2])] == "" {
			t.Errorf("%s %s is not explained", d[1], d[2])
		}
		// Once declared, once explained, at least once used: unless others do.
		if d[1] != "CodeUnreadable" && d[1] != "CodeUndecided" && len(regexp.MustCompile(`\b`+d[1]+`\b`).FindAllString(text, -1)) < 3 {
			t.Errorf("%s is never found", d[1])
		}
	}
	if len(seen) != len(Codes) || len(seen) == 0 {
		t.Errorf("%d codes declared, %d explained", len(seen), len(Codes))
	}
}
