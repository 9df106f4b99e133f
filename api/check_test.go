package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rolloutHead begins a Rollout up to its strategy, which is at line 6.
const rolloutHead = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  template: {metadata: {labels: {app.kubernetes.io/version: v1}}}
`

// own gives what is wrong with an object by itself.
func own(text string) []string {
	_, findings := Decode("f.yaml", []byte(text))
	var out []string
	for _, f := range findings {
		out = append(out, f.String())
	}
	return out
}

func TestCheckRollout(t *testing.T) {
	const canary = rolloutHead + "  strategy:\n    canary:\n"
	tests := map[string]struct {
		text string
		want []string
	}{
		"all of 12.5": {canary + "      steps: [{setWeight: 0}, {setWeight: 12.5}, {setWeight: 100}, {pause: {}}, {pause: {duration: 10}}]\n", nil},
		"blue-green": {rolloutHead + "  strategy: {blueGreen: {activeService: a}}\n", []string{
			"f.yaml:6:25: E202 spec.strategy.blueGreen: Serin runs canaries only; write strategy.canary, with no steps to switch all traffic at once"}},
		"no strategy": {rolloutHead, []string{
			"f.yaml:5:3: E201 spec.strategy.canary: the Rollout has no strategy; add spec.strategy.canary"}},
		"no template": {"apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec: {strategy: {canary: {}}}\n", []string{
			"f.yaml:4:7: E203 spec.template: the Rollout has no template; add spec.template with the label app.kubernetes.io/version in its metadata, the version to roll out"}},
		"a template elsewhere": {"apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec: {workloadRef: {kind: Deployment, name: d}, strategy: {canary: {}}}\n", nil},
		"bad version": {strings.Replace(canary, "version: v1", "version: v1/x", 1) + "      steps: []\n", []string{
			`f.yaml:5:61: E211 spec.template.metadata.labels.app.kubernetes.io/version: "v1/x" is no version: use at most 63 letters, digits, '-', '_' and '.', a letter or digit at both ends`}},
		"weights": {canary + "      steps:\n      - setWeight: 101\n      - setWeight: -1\n      - setWeight: 1.00001\n      - setWeight: \"20\"\n", []string{
			"f.yaml:11:20: E104 spec.strategy.canary.steps[2].setWeight: the number 1.00001 has more than four decimal places",
			`f.yaml:12:20: E104 spec.strategy.canary.steps[3].setWeight: wants a number, such as 20 or 12.5, not "20"`}},
		"weights out of range": {canary + "      steps:\n      - setWeight: 100.0001\n      - setWeight: -1\n", []string{
			"f.yaml:9:20: E205 spec.strategy.canary.steps[0].setWeight: the weight 100.0001 is above maxTrafficWeight; write 0 to 100",
			"f.yaml:10:20: E205 spec.strategy.canary.steps[1].setWeight: the weight -1 is negative; write 0 to 100"}},
		"weights of 1000": {canary + "      steps: [{setWeight: 1000}, {setWeight: 1001}]\n      trafficRouting: {maxTrafficWeight: 1000}\n", []string{
			"f.yaml:8:46: E205 spec.strategy.canary.steps[1].setWeight: the weight 1001 is above maxTrafficWeight; write 0 to 1000"}},
		"weights of nothing": {canary + "      steps: [{setWeight: 1}]\n      trafficRouting: {maxTrafficWeight: 0}\n", []string{
			"f.yaml:9:42: E205 spec.strategy.canary.trafficRouting.maxTrafficWeight: maxTrafficWeight must be 1 or more"}},
		"pauses": {canary + "      steps:\n      - pause: {duration: -1s}\n      - pause: {requests: 1}\n      - pause: {requests: 0}\n      - pause: {duration: 1, requests: 5}\n", []string{
			"f.yaml:9:27: E206 spec.strategy.canary.steps[0].pause.duration: the duration -1s is negative; leave it out to wait for promote",
			"f.yaml:11:27: E206 spec.strategy.canary.steps[2].pause.requests: the number of requests must be 1 or more, not 0",
			"f.yaml:12:40: E206 spec.strategy.canary.steps[3].pause.requests: a pause waits for a duration or for requests; remove one of them"}},
		"no duration": {canary + "      steps:\n      - pause: {duration: soon}\n", []string{
			"f.yaml:9:27: E104 spec.strategy.canary.steps[0].pause.duration: soon is no duration: write seconds, such as 30, or 30s, 10m, 1h"}},
		"kinds of steps": {canary + "      steps:\n      - {}\n      - {setWeight: 1, pause: {}}\n      - {setWeight: 2, setCanaryScale: {replicas: 1}}\n      - setCanaryScale: {}\n", []string{
			"f.yaml:9:9: E204 spec.strategy.canary.steps[0]: the step has 0 kinds; write exactly one, such as setWeight or pause",
			"f.yaml:10:9: E204 spec.strategy.canary.steps[1]: the step has 2 kinds; write exactly one, such as setWeight or pause",
			"f.yaml:11:40: W222 spec.strategy.canary.steps[2].setCanaryScale: setCanaryScale has no effect: Serin runs no pods for files",
			"f.yaml:12:25: W222 spec.strategy.canary.steps[3].setCanaryScale: setCanaryScale has no effect: Serin runs no pods for files"}},
		"a plugin": {canary + "      steps:\n      - plugin: {name: x}\n", []string{
			"f.yaml:9:17: E208 spec.strategy.canary.steps[0].plugin: Serin runs no step plugins; ask over HTTP with a gate step, or pause and promote from outside"}},
		"guard": {canary + "      guard:\n        mode: on\n        onHarm: cry\n        confidence: 99.9\n        warmup: -1s\n        errorRate: {margin: -1, maxIncrease: 1}\n        latency: {objective: 0, margin: 101, maxIncrease: -0.1, warmup: -1s}\n", []string{
			`f.yaml:9:15: E209 spec.strategy.canary.guard.mode: unknown mode "on"; write enforce, observe or off`,
			`f.yaml:10:17: E209 spec.strategy.canary.guard.onHarm: unknown answer "cry"; write abort or pause`,
			"f.yaml:11:21: E209 spec.strategy.canary.guard.confidence: the confidence must be 0.5 or more and below 1, such as 0.999, not 99.9",
			"f.yaml:12:17: E209 spec.strategy.canary.guard.warmup: the duration -1s is negative",
			"f.yaml:13:29: E209 spec.strategy.canary.guard.errorRate.margin: the margin must be 0 to 100, such as 0.4, not -1",
			"f.yaml:13:46: E209 spec.strategy.canary.guard.errorRate.maxIncrease: the increase is a share of requests: 0 or more and below 1, such as 0.005, not 1",
			"f.yaml:14:30: E209 spec.strategy.canary.guard.latency.objective: the objective must be 1ms or more",
			"f.yaml:14:41: E209 spec.strategy.canary.guard.latency.margin: the margin must be 0 to 100, such as 0.4, not 101",
			"f.yaml:14:59: E209 spec.strategy.canary.guard.latency.maxIncrease: the increase is a share of requests: 0 or more and below 1, such as 0.005, not -0.1",
			"f.yaml:14:73: E209 spec.strategy.canary.guard.latency.warmup: the duration -1s is negative"}},
		"provider and pods": {canary + "      maxSurge: 25%\n      pingPong: {pingService: a, pongService: b}\n      trafficRouting: {istio: {virtualService: {name: x}}}\n  replicas: 5\n  selector: {matchLabels: {app: shop}}\n", []string{
			"f.yaml:8:17: W222 spec.strategy.canary.maxSurge: maxSurge has no effect: Serin runs no pods for files",
			"f.yaml:9:17: W222 spec.strategy.canary.pingPong: pingPong has no effect: versions share one Service here; name it in stableService",
			"f.yaml:10:31: W221 spec.strategy.canary.trafficRouting.istio: istio is not used: Serin sends the weights to Envoy itself, through HTTPRoute",
			"f.yaml:11:13: W222 spec.replicas: replicas has no effect: Serin runs no pods for files"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, own(test.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckService(t *testing.T) {
	const head = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports:\n"
	tests := map[string]struct {
		text string
		want []string
	}{
		"ports": {head + "  - {name: a, port: 0}\n  - {name: b, port: 65536}\n  - {name: c, port: 80, targetPort: 70000}\n  - {name: d, port: 1, targetPort: http}\n", []string{
			"f.yaml:6:21: E304 spec.ports[0].port: the port must be 1 to 65535, not 0",
			"f.yaml:7:21: E304 spec.ports[1].port: the port must be 1 to 65535, not 65536",
			"f.yaml:8:37: E304 spec.ports[2].targetPort: the port must be 1 to 65535, not 70000"}},
		"names": {head + "  - {port: 80}\n  - {name: b, port: 81}\n  - {name: b, port: 80}\n", []string{
			"f.yaml:6:5: E109 spec.ports[0].name: a port has no name; with several ports each needs one",
			`f.yaml:8:12: E304 spec.ports[2].name: two ports have the name "b"; rename one`,
			"f.yaml:8:21: E304 spec.ports[2].port: port 80 is there twice; remove one"}},
		"two protocols": {head + "  - {name: a, port: 80}\n  - {name: b, port: 80, protocol: UDP}\n", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, own(test.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckSlice(t *testing.T) {
	const head = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a, labels: {kubernetes.io/service-name: s}}\n"
	tests := map[string]struct {
		text string
		want []string
	}{
		"no type": {head + "endpoints: []\n", []string{
			"f.yaml:1:1: E109 addressType: the slice has no addressType; write IPv4 or IPv6"}},
		"names of hosts": {head + "addressType: FQDN\nendpoints: [{addresses: [shop.example]}]\n", []string{
			`f.yaml:4:14: E301 addressType: "FQDN" is no address type that Serin routes to; write IPv4 or IPv6`}},
		"addresses": {head + "addressType: IPv4\nendpoints:\n- {}\n- addresses: []\n- addresses: [localhost]\n- addresses: ['127.0.0.1:80']\n- addresses: ['::1']\n- addresses: [0.0.0.0]\n", []string{
			"f.yaml:6:3: E305 endpoints[0].addresses: the endpoint has no address; add addresses: [IP]",
			"f.yaml:7:14: E305 endpoints[1].addresses: the endpoint has no address; add addresses: [IP]",
			`f.yaml:8:15: E305 endpoints[2].addresses[0]: "localhost" is no IP address; host names and ports do not go here`,
			`f.yaml:9:15: E305 endpoints[3].addresses[0]: "127.0.0.1:80" is no IP address; host names and ports do not go here`,
			"f.yaml:10:15: E305 endpoints[4].addresses[0]: ::1 is no IPv4 address, which addressType says",
			"f.yaml:11:15: E305 endpoints[5].addresses[0]: 0.0.0.0 is no address of one host"}},
		"ports": {head + "addressType: IPv6\nendpoints: [{addresses: ['::1']}]\nports: [{}, {port: 0}]\n", []string{
			"f.yaml:6:9: E109 ports[0].port: the port has no number; add port",
			"f.yaml:6:20: E304 ports[1].port: the port must be 1 to 65535, not 0"}},
		"version": {strings.Replace(head, "labels: {", "labels: {app.kubernetes.io/version: -x, ", 1) + "addressType: IPv4\n", []string{
			`f.yaml:3:57: E211 metadata.labels.app.kubernetes.io/version: "-x" is no version: use at most 63 letters, digits, '-', '_' and '.', a letter or digit at both ends`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, own(test.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
