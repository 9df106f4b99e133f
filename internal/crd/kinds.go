package crd

import (
	"reflect"

	"github.com/serin-mesh/serin/api"
)

// Group is the API group of Serin's own kinds.
const Group = "serin.dev"

// Kind is what a definition says of one kind beside its schema.
type Kind struct {
	Name       string // such as Rollout
	Plural     string
	ShortNames []string // others than Argo's, for both may be in one cluster
	Categories []string // what `kubectl get CATEGORY` lists it under
	Cluster    bool     // it has no namespace
	Scale      bool     // it has the subresource scale, as Argo's has
	Columns    []Column

	of reflect.Type
}

// Column is a column of `kubectl get`.
type Column struct {
	Name, Type, Path string
	Wide             bool // with -o wide only
	Description      string
}

// age is the column that every kind has at the end.
var age = Column{"Age", "date", ".metadata.creationTimestamp", false, "since the object was made"}

// Kinds are all kinds, in the order of their plurals.
var Kinds = []Kind{
	{
		Name: "AnalysisRun", Plural: "analysisruns", ShortNames: []string{"sar"}, Categories: []string{"serin"},
		of: reflect.TypeFor[api.AnalysisRun](),
		Columns: []Column{
			{"Phase", "string", ".status.phase", false, "where the run stands"},
			{"Message", "string", ".status.message", true, "why"},
			age,
		},
	},
	{
		Name: "AnalysisTemplate", Plural: "analysistemplates", ShortNames: []string{"sat"}, Categories: []string{"serin"},
		of: reflect.TypeFor[api.AnalysisTemplate](), Columns: []Column{age},
	},
	{
		Name: "ClusterAnalysisTemplate", Plural: "clusteranalysistemplates", ShortNames: []string{"scat"},
		Categories: []string{"serin"}, Cluster: true,
		of: reflect.TypeFor[api.ClusterAnalysisTemplate](), Columns: []Column{age},
	},
	{
		Name: "Experiment", Plural: "experiments", ShortNames: []string{"sexp"}, Categories: []string{"serin"},
		of: reflect.TypeFor[api.Experiment](),
		Columns: []Column{
			{"Phase", "string", ".status.phase", false, "where the experiment stands"},
			{"Message", "string", ".status.message", true, "why"},
			age,
		},
	},
	{
		Name: "Release", Plural: "releases", ShortNames: []string{"srel"}, Categories: []string{"serin"},
		of: reflect.TypeFor[api.Release](),
		Columns: []Column{
			{"Phase", "string", ".status.phase", false, "where the release stands"},
			{"Message", "string", ".status.message", true, "why"},
			age,
		},
	},
	{
		Name: "Rollout", Plural: "rollouts", ShortNames: []string{"sro"}, Categories: []string{"all", "serin"}, Scale: true,
		of: reflect.TypeFor[api.Rollout](),
		Columns: []Column{
			{"Phase", "string", ".status.phase", false, "Progressing, Paused, Healthy or Degraded"},
			{"Step", "integer", ".status.currentStepIndex", false, "the current step, from 0; the number of steps when all are over"},
			{"Weight", "number", ".status.canary.weights.canary.weight", false, "of the canary, wanted, in percent"},
			{"Acked", "integer", ".status.fleet.acked", false, "Envoys that have accepted the weight"},
			{"Fleet", "integer", ".status.fleet.connected", false, "Envoys that are connected"},
			{"Version", "string", ".status.currentPodHash", false, "the version wanted"},
			{"Stable", "string", ".status.stableRS", true, "the stable version"},
			{"Ready", "integer", ".status.readyReplicas", true, "pods that are ready"},
			{"Message", "string", ".status.message", true, "what it does or waits for"},
			age,
		},
	},
}
