package crd

import (
	"reflect"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/internal/schema"
)

// required are the fields without which an object means nothing.
var required = map[reflect.Type][]string{
	reflect.TypeFor[api.RolloutSpec]():            {"strategy"},
	reflect.TypeFor[api.ManagedRoute]():           {"name"},
	reflect.TypeFor[api.SetHeaderRoute]():         {"name"},
	reflect.TypeFor[api.SetMirrorRoute]():         {"name"},
	reflect.TypeFor[api.Gate]():                   {"web"},
	reflect.TypeFor[api.WebMetric]():              {"url"},
	reflect.TypeFor[api.AnalysisTemplateRef]():    {"templateName"},
	reflect.TypeFor[api.Metric]():                 {"name", "provider"},
	reflect.TypeFor[api.Argument]():               {"name"},
	reflect.TypeFor[api.SecretKeyRef]():           {"name", "key"},
	reflect.TypeFor[api.FieldRef]():               {"fieldPath"},
	reflect.TypeFor[api.AnalysisRunSpec]():        {"metrics"},
	reflect.TypeFor[api.ExperimentSpec]():         {"templates"},
	reflect.TypeFor[api.ExperimentTemplate]():     {"name"},
	reflect.TypeFor[api.ExperimentStepTemplate](): {"name", "specRef"},
	reflect.TypeFor[api.ExperimentAnalysis]():     {"name", "templateName"},
	reflect.TypeFor[api.ReleaseSpec]():            {"rollouts"},
	reflect.TypeFor[api.ReleaseMember]():          {"name"},
}

// bounds are what else is known of a field, by TYPE.FIELD.
var bounds = map[string]schema.Schema{
	"RolloutSpec.Replicas":               {"minimum": 0, "default": 1},
	"RolloutSpec.MinReadySeconds":        {"minimum": 0},
	"Canary.Steps":                       {"maxItems": 1000},
	"Canary.MinPodsPerReplicaSet":        {"minimum": 1},
	"CanaryStep.SetWeight":               {"minimum": 0},
	"TrafficRouting.MaxTrafficWeight":    {"minimum": 1},
	"ManagedRoute.Name":                  {"minLength": 1},
	"Pause.Requests":                     {"minimum": 1},
	"SetMirrorRoute.Percentage":          {"minimum": 0, "maximum": 100},
	"GuardSpec.Confidence":               confidence,
	"ErrorRateSpec.Margin":               margin,
	"ErrorRateSpec.MaxIncrease":          share,
	"LatencySpec.Margin":                 margin,
	"LatencySpec.MaxIncrease":            share,
	"Prove.MaxIncrease":                  {"minimum": 0, "exclusiveMinimum": true, "maximum": 1, "exclusiveMaximum": true},
	"Prove.Confidence":                   confidence,
	"EnvoyMetric.Quantile":               {"minimum": 0, "exclusiveMinimum": true, "maximum": 1, "exclusiveMaximum": true},
	"MeasurementRetention.Limit":         {"minimum": 1},
	"ReleaseSpec.Rollouts":               {"minItems": 1, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": []string{"name"}},
	"AnalysisTemplateSpec.Metrics":       {"maxItems": 500},
	"AnalysisRunSpec.Metrics":            {"maxItems": 500},
	"ExperimentTemplate.Replicas":        {"minimum": 0},
	"ExperimentStepTemplate.Replicas":    {"minimum": 0},
	"RolloutSpec.RevisionHistoryLimit":   {"minimum": 0},
	"RollbackWindow.Revisions":           {"minimum": 0},
	"Canary.ScaleDownDelaySeconds":       {"minimum": 0},
	"Canary.AbortScaleDownDelaySeconds":  {"minimum": 0},
	"Canary.ScaleDownDelayRevisionLimit": {"minimum": 0},
}

var (
	confidence = schema.Schema{"minimum": 0.5, "maximum": 1, "exclusiveMaximum": true}
	margin     = schema.Schema{"minimum": 0, "maximum": 100}
	share      = schema.Schema{"minimum": 0, "maximum": 1, "exclusiveMaximum": true}
)

// rules are expressions in CEL that hold of every object of a type, each with what
// to say where it does not.
var rules = map[reflect.Type][][2]string{
	reflect.TypeFor[api.RolloutSpec](): {
		{"has(self.template) || has(self.workloadRef)", "the Rollout has no template; add template or workloadRef"},
	},
	reflect.TypeFor[api.Strategy](): {
		{"!has(self.blueGreen)", "Serin runs canaries only; write canary, with no steps to switch all traffic at once"},
		{"has(self.canary) || has(self.blueGreen)", "the Rollout has no strategy; add canary"},
	},
	reflect.TypeFor[api.Canary](): {{
		"!has(self.steps) || self.steps.all(s, !has(s.setWeight) || s.setWeight <= " +
			"(has(self.trafficRouting) && has(self.trafficRouting.maxTrafficWeight) ? double(self.trafficRouting.maxTrafficWeight) : 100.0))",
		"a weight is above maxTrafficWeight, which is 100 where it is not written",
	}},
	reflect.TypeFor[api.CanaryStep](): {
		{"!has(self.plugin)", "Serin runs no step plugins; ask over HTTP with a gate step, or pause and promote from outside"},
		{"[has(self.setWeight), has(self.pause), has(self.analysis), has(self.experiment), has(self.plugin), has(self.prove), " +
			"has(self.gate)].filter(set, set).size() <= 1 && (has(self.setWeight) || has(self.pause) || has(self.analysis) || " +
			"has(self.experiment) || has(self.plugin) || has(self.prove) || has(self.gate) || has(self.setHeaderRoute) || " +
			"has(self.setMirrorRoute) || has(self.setCanaryScale))",
			"write exactly one kind of step, such as setWeight or pause"},
	},
	reflect.TypeFor[api.Pause](): {
		{"!(has(self.duration) && has(self.requests))", "a pause waits for a duration or for requests; remove one of them"},
	},
	reflect.TypeFor[api.MetricProvider](): {{
		"[has(self.prometheus), has(self.web), has(self.kayenta), has(self.job), has(self.envoy), has(self.datadog), " +
			"has(self.newRelic), has(self.cloudWatch), has(self.wavefront), has(self.graphite), has(self.influxdb), " +
			"has(self.skywalking), has(self.plugin)].filter(set, set).size() == 1",
		"write exactly one provider",
	}, {
		"!(has(self.datadog) || has(self.newRelic) || has(self.cloudWatch) || has(self.wavefront) || has(self.graphite) || " +
			"has(self.influxdb) || has(self.skywalking) || has(self.plugin))",
		"Serin does not run this provider; ask its HTTP API with web and a jsonPath",
	}},
}
