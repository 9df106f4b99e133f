package api

import (
	"fmt"
	"strings"
)

// argoFeature is one thing that an Argo manifest can say, in a small manifest.
type argoFeature struct {
	name string // as the table has it
	in   string // which of argoFrames holds the text
	text string
}

// argoFrames are manifests without findings but for what stands at the %s.
var argoFrames = map[string]string{
	"spec": "kind: Rollout\nspec:\n  template: {metadata: {labels: {app.kubernetes.io/version: v1}}}\n" +
		"  strategy: {canary: {steps: [{setWeight: 10}]}}\n  %s\n",
	"workload": "kind: Rollout\nspec:\n  strategy: {canary: {steps: [{setWeight: 10}]}}\n  %s\n",
	"strategy": "kind: Rollout\nspec:\n  template: {metadata: {labels: {app.kubernetes.io/version: v1}}}\n  strategy: {%s}\n",
	"canary": "kind: Rollout\nspec:\n  template: {metadata: {labels: {app.kubernetes.io/version: v1}}}\n" +
		"  strategy: {canary: {steps: [{setWeight: 10}], %s}}\n",
	"step": "kind: Rollout\nspec:\n  template: {metadata: {labels: {app.kubernetes.io/version: v1}}}\n" +
		"  strategy: {canary: {trafficRouting: {managedRoutes: [{name: r}]}, steps: [{setWeight: 10}, %s]}}\n",
	"template": "kind: AnalysisTemplate\nspec: {metrics: [{name: m, count: 1, provider: {web: {url: 'http://a/b'}}}], %s}\n",
	"metric":   "kind: AnalysisTemplate\nspec: {args: [{name: x, value: '1'}], metrics: [{name: m, provider: {web: {url: 'http://a/b'}}, %s}]}\n",
	"provider": "kind: AnalysisTemplate\nspec: {metrics: [{name: m, count: 1, provider: {%s}}]}\n",
	"kind":     "%s\nspec: {}\n",
}

// argoBeside has what the features refer to.
const argoBeside = "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: t}\n" +
	"spec: {args: [{name: x}], metrics: [{name: m, count: 1, provider: {web: {url: 'http://a/b'}}}]}\n---\n" +
	"apiVersion: argoproj.io/v1alpha1\nkind: ClusterAnalysisTemplate\nmetadata: {name: c}\n" +
	"spec: {metrics: [{name: m, count: 1, provider: {web: {url: 'http://a/b'}}}]}\n---\n" +
	"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: v}\n---\n" +
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {metadata: {labels: {app.kubernetes.io/version: v1}}}}\n---\n"

// judge gives what is found in the feature's manifest. That a Rollout in it has
// no Service is another matter.
func (f argoFeature) judge() []Finding {
	text := "apiVersion: argoproj.io/v1alpha1\nmetadata: {name: f}\n" + fmt.Sprintf(argoFrames[f.in], f.text)
	beside, _ := Decode("beside.yaml", []byte(argoBeside))
	docs, findings := Decode("f.yaml", []byte(text))
	var own []Finding
	for _, found := range append(findings, Validate(append(beside, docs...))...) {
		if found.Code != CodeRolloutService {
			own = append(own, found)
		}
	}
	SortFindings(own)
	return own
}

// does says what Serin does with a manifest of which this was found.
func does(findings []Finding) string {
	if len(findings) == 0 {
		return "runs"
	}
	var codes []string
	for _, f := range findings {
		codes = append(codes, "`"+string(f.Code)+"`")
	}
	list := strings.Join(codes, ", ")
	switch f := findings[0]; {
	case HasErrors(findings):
		return "refused, " + list
	case f.Code == CodeProvider || f.Code == CodeNoEffect || f.Code == CodeNoRunner || f.Code == CodeWorkload:
		return "accepted, without effect for files, " + list
	}
	return "runs, with a warning, " + list
}

// argoFeatures are the rows of the table, in its order.
var argoFeatures = []argoFeature{
	{"`strategy.canary`", "strategy", "canary: {}"},
	{"`strategy.blueGreen`", "strategy", "blueGreen: {activeService: a}"},
	{"`paused`", "spec", "paused: true"},
	{"`progressDeadlineSeconds`", "spec", "progressDeadlineSeconds: 600"},
	{"`progressDeadlineAbort`", "spec", "progressDeadlineAbort: true"},
	{"`rollbackWindow`", "spec", "rollbackWindow: {revisions: 3}"},
	{"`workloadRef`, beside a template", "spec", "workloadRef: {apiVersion: apps/v1, kind: Deployment, name: d}"},
	{"`workloadRef` to a workload in the files", "workload", "workloadRef: {apiVersion: apps/v1, kind: Deployment, name: d}"},
	{"`workloadRef` to one elsewhere", "workload", "workloadRef: {apiVersion: apps/v1, kind: Deployment, name: elsewhere}"},
	{"`selector`", "spec", "selector: {matchLabels: {app: a}}"},
	{"`replicas`", "spec", "replicas: 5"},
	{"`minReadySeconds`", "spec", "minReadySeconds: 5"},
	{"`revisionHistoryLimit`", "spec", "revisionHistoryLimit: 5"},
	{"`restartAt`", "spec", "restartAt: '2026-01-01T00:00:00Z'"},
	{"`analysis` (how many runs are kept)", "spec", "analysis: {successfulRunHistoryLimit: 5}"},

	{"`canary.stableService`, `canaryService`", "canary", "stableService: a, canaryService: b"},
	{"`canary.analysis`, `startingStep`", "canary", "analysis: {templates: [{templateName: t}], args: [{name: x, value: a}], startingStep: 0}"},
	{"`canary.analysis`, `clusterScope`", "canary", "analysis: {templates: [{templateName: c, clusterScope: true}]}"},
	{"`trafficRouting.managedRoutes`", "canary", "trafficRouting: {managedRoutes: [{name: r}]}"},
	{"`trafficRouting.maxTrafficWeight`", "canary", "trafficRouting: {maxTrafficWeight: 1000}"},
	{"`trafficRouting.alb`", "canary", "trafficRouting: {alb: {}}"},
	{"`trafficRouting.ambassador`", "canary", "trafficRouting: {ambassador: {}}"},
	{"`trafficRouting.apisix`", "canary", "trafficRouting: {apisix: {}}"},
	{"`trafficRouting.appMesh`", "canary", "trafficRouting: {appMesh: {}}"},
	{"`trafficRouting.istio`", "canary", "trafficRouting: {istio: {}}"},
	{"`trafficRouting.nginx`", "canary", "trafficRouting: {nginx: {}}"},
	{"`trafficRouting.plugins`", "canary", "trafficRouting: {plugins: {}}"},
	{"`trafficRouting.smi`", "canary", "trafficRouting: {smi: {}}"},
	{"`trafficRouting.traefik`", "canary", "trafficRouting: {traefik: {}}"},
	{"`canary.pingPong`", "canary", "pingPong: {pingService: a, pongService: b}"},
	{"`canary.canaryMetadata`", "canary", "canaryMetadata: {}"},
	{"`canary.stableMetadata`", "canary", "stableMetadata: {}"},
	{"`canary.antiAffinity`", "canary", "antiAffinity: {}"},
	{"`canary.maxSurge`", "canary", "maxSurge: 25%"},
	{"`canary.maxUnavailable`", "canary", "maxUnavailable: 0"},
	{"`canary.dynamicStableScale`", "canary", "dynamicStableScale: true"},
	{"`canary.minPodsPerReplicaSet`", "canary", "minPodsPerReplicaSet: 2"},
	{"`canary.replicaProgressThreshold`", "canary", "replicaProgressThreshold: {}"},
	{"`canary.scaleDownDelaySeconds`", "canary", "scaleDownDelaySeconds: 30"},
	{"`canary.abortScaleDownDelaySeconds`", "canary", "abortScaleDownDelaySeconds: 30"},
	{"`canary.scaleDownDelayRevisionLimit`", "canary", "scaleDownDelayRevisionLimit: 2"},

	{"`setWeight`", "step", "{setWeight: 20}"},
	{"`pause: {}`", "step", "{pause: {}}"},
	{"`pause: {duration}` as 10, \"10\", 10s, 1h", "step", "{pause: {duration: 10}}, {pause: {duration: '10'}}, {pause: {duration: 10s}}, {pause: {duration: 1h}}"},
	{"`setCanaryScale`", "step", "{setCanaryScale: {replicas: 1}}"},
	{"`setHeaderRoute`", "step", "{setHeaderRoute: {name: r, match: [{headerName: h, headerValue: {exact: v}}]}}"},
	{"`setHeaderRoute` without `match`, later", "step", "{setHeaderRoute: {name: r, match: [{headerName: h, headerValue: {exact: v}}]}}, {setHeaderRoute: {name: r}}"},
	{"`setHeaderRoute` to a name not in `managedRoutes`", "step", "{setHeaderRoute: {name: s, match: [{headerName: h, headerValue: {exact: v}}]}}"},
	{"`setMirrorRoute`", "step", "{setMirrorRoute: {name: r, percentage: 50, match: [{method: {exact: GET}, path: {prefix: /}}]}}"},
	{"a step with a route and another kind", "step", "{setWeight: 20, setHeaderRoute: {name: r, match: [{headerName: h, headerValue: {exact: v}}]}}"},
	{"`analysis`, `args`", "step", "{analysis: {templates: [{templateName: t}], args: [{name: x, valueFrom: {podTemplateHashValue: Latest}}]}}"},
	{"`analysis`, `dryRun`, `measurementRetention`, `analysisRunMetadata`", "step",
		"{analysis: {templates: [{templateName: c, clusterScope: true}], dryRun: [{metricName: m}], measurementRetention: [{metricName: m, limit: 5}], analysisRunMetadata: {labels: {a: b}}}}"},
	{"`analysis` of a template that is not there", "step", "{analysis: {templates: [{templateName: nowhere}]}}"},
	{"`analysis` without a value for an argument", "step", "{analysis: {templates: [{templateName: t}]}}"},
	{"`experiment`, its analyses", "step", "{experiment: {templates: [], duration: 5m, analyses: [{name: a, templateName: c, clusterScope: true, requiredForCompletion: true}]}}"},
	{"`experiment`, its templates (pods)", "step", "{experiment: {templates: [{name: a, specRef: canary, weight: 5}], duration: 5m}}"},
	{"`plugin`", "step", "{plugin: {name: x}}"},

	{"`AnalysisRun` by itself", "kind", "kind: AnalysisRun"},
	{"`Experiment` by itself", "kind", "kind: Experiment"},
	{"`args`: `value`, `secretKeyRef`, `fieldRef`", "template", "args: [{name: a, value: b}, {name: s, valueFrom: {secretKeyRef: {name: s, key: k}}}, {name: f, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"},
	{"`templates` (nested)", "template", "templates: [{templateName: t}]"},
	{"`dryRun`", "template", "dryRun: [{metricName: m}]"},
	{"`measurementRetention`", "template", "measurementRetention: [{metricName: m, limit: 5}]"},
	{"`interval`, `count`, `initialDelay`", "metric", "interval: 10s, count: 5, initialDelay: 1m"},
	{"`interval` and `count` from arguments", "metric", "interval: '{{args.x}}', count: '{{args.x}}'"},
	{"`count` above 1 without `interval`", "metric", "count: 5"},
	{"`failureLimit`, `inconclusiveLimit`, `consecutiveErrorLimit`, `consecutiveSuccessLimit`", "metric",
		"interval: 10s, count: 10, failureLimit: 2, inconclusiveLimit: 2, consecutiveErrorLimit: 4, consecutiveSuccessLimit: 3"},
	{"`successCondition`, `failureCondition`", "metric", "successCondition: 'result >= 0.95', failureCondition: 'isNaN(asFloat(result)) || result < 0.9'"},
	{"`failureCondition` alone", "metric", "failureCondition: result < 0.9"},
	{"a condition that does not compile", "metric", "successCondition: result >="},
	{"`prometheus`", "provider", "prometheus: {address: 'http://p:9090', query: up, timeout: 40, headers: [{key: a, value: b}], rangeQuery: {start: now(), end: now(), step: 1m}}"},
	{"`prometheus` without `address`", "provider", "prometheus: {query: up}"},
	{"`web`", "provider", "web: {url: 'http://a/b', method: POST, jsonBody: {a: 1}, jsonPath: '{$.a}', timeoutSeconds: 5, headers: [{key: a, value: b}]}"},
	{"`kayenta`", "provider", "kayenta: {address: 'http://k', application: a, canaryConfigName: c, metricsAccountName: m, configurationAccountName: n, storageAccountName: s, threshold: {pass: 90, marginal: 75}, " +
		"scopes: [{name: d, controlScope: {scope: a, region: r, step: 60}, experimentScope: {scope: b, region: r, step: 60}}]}"},
	{"`job`", "provider", "job: {spec: {template: {}}}"},
	{"`datadog`", "provider", "datadog: {query: q}"},
	{"`newRelic`", "provider", "newRelic: {query: q}"},
	{"`cloudWatch`", "provider", "cloudWatch: {}"},
	{"`wavefront`", "provider", "wavefront: {}"},
	{"`graphite`", "provider", "graphite: {}"},
	{"`influxdb`", "provider", "influxdb: {}"},
	{"`skywalking`", "provider", "skywalking: {}"},
	{"`plugin`", "provider", "plugin: {x: {}}"},
}
