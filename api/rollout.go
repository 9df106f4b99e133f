package api

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Rollout is a canary of one Service. One type serves both API groups,
// serin.dev/v1alpha1 and argoproj.io/v1alpha1; the rules are the same.
//
// The fields are those of Argo Rollouts 1.10's CRD and Serin's own. A field
// that Serin does not act on is kept, so that decoding knows its name and
// `get -o json` gives it back; Validate says which those are.
type Rollout struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              RolloutSpec   `json:"spec"`
	Status            RolloutStatus `json:"status"`

	// Revision is the version in a cluster, the hash of the pod template; ""
	// for files, where the template's label names the version. It is no field
	// of the object: WithRevision sets it.
	Revision string `json:"-"`
}

// RolloutSpec is what the user wants.
type RolloutSpec struct {
	Template Template `json:"template"`
	Strategy Strategy `json:"strategy"`
	// Paused holds the steps where they are while it is true.
	Paused bool `json:"paused,omitempty"`

	// The rest concerns pods, which only a cluster has.

	WorkloadRef             *WorkloadRef          `json:"workloadRef,omitempty"`
	Selector                *metav1.LabelSelector `json:"selector,omitempty"`
	Replicas                *int32                `json:"replicas,omitempty"`
	MinReadySeconds         int32                 `json:"minReadySeconds,omitempty"`
	RevisionHistoryLimit    *int32                `json:"revisionHistoryLimit,omitempty"`
	ProgressDeadlineSeconds *int32                `json:"progressDeadlineSeconds,omitempty"`
	ProgressDeadlineAbort   bool                  `json:"progressDeadlineAbort,omitempty"`
	RestartAt               *metav1.Time          `json:"restartAt,omitempty"`
	Analysis                *RunHistory           `json:"analysis,omitempty"`
	RollbackWindow          *RollbackWindow       `json:"rollbackWindow,omitempty"`
}

// Template is the pod template of a revision. Its labels name the version; its
// spec is opaque to Serin but for its hash.
type Template struct {
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              json.RawMessage `json:"spec,omitempty"`
}

// WorkloadRef names a workload whose template a Rollout takes over.
type WorkloadRef struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Name       string `json:"name,omitempty"`
	ScaleDown  string `json:"scaleDown,omitempty"` // never, onsuccess, progressively
}

// RunHistory says how many finished AnalysisRuns are kept.
type RunHistory struct {
	Successful   *int32 `json:"successfulRunHistoryLimit,omitempty"`
	Unsuccessful *int32 `json:"unsuccessfulRunHistoryLimit,omitempty"`
}

// RollbackWindow says to how recent a revision the steps are skipped.
type RollbackWindow struct {
	Revisions int32 `json:"revisions,omitempty"`
}

// Strategy holds one of the ways to roll out. Serin runs canaries.
type Strategy struct {
	Canary    *Canary         `json:"canary,omitempty"`
	BlueGreen json.RawMessage `json:"blueGreen,omitempty"`
}

// Canary says how traffic moves from the stable version to the new one.
type Canary struct {
	StableService  string          `json:"stableService,omitempty"`
	CanaryService  string          `json:"canaryService,omitempty"`
	Steps          []CanaryStep    `json:"steps,omitempty"`
	TrafficRouting *TrafficRouting `json:"trafficRouting,omitempty"`
	// Analysis runs beside the steps.
	Analysis *BackgroundAnalysis `json:"analysis,omitempty"`
	// Guard is Serin's own; (*Rollout).Guard gives it with its defaults.
	Guard *GuardSpec `json:"guard,omitempty"`

	// The rest concerns pods, which only a cluster has.

	PingPong                    *PingPong           `json:"pingPong,omitempty"`
	CanaryMetadata              *PodMetadata        `json:"canaryMetadata,omitempty"`
	StableMetadata              *PodMetadata        `json:"stableMetadata,omitempty"`
	AntiAffinity                json.RawMessage     `json:"antiAffinity,omitempty"`
	MaxSurge                    *intstr.IntOrString `json:"maxSurge,omitempty"`
	MaxUnavailable              *intstr.IntOrString `json:"maxUnavailable,omitempty"`
	DynamicStableScale          bool                `json:"dynamicStableScale,omitempty"`
	MinPodsPerReplicaSet        *int32              `json:"minPodsPerReplicaSet,omitempty"`
	ReplicaProgressThreshold    json.RawMessage     `json:"replicaProgressThreshold,omitempty"`
	ScaleDownDelaySeconds       *int32              `json:"scaleDownDelaySeconds,omitempty"`
	AbortScaleDownDelaySeconds  *int32              `json:"abortScaleDownDelaySeconds,omitempty"`
	ScaleDownDelayRevisionLimit *int32              `json:"scaleDownDelayRevisionLimit,omitempty"`
}

// PingPong names two Services that take turns at being stable.
type PingPong struct {
	PingService string `json:"pingService"`
	PongService string `json:"pongService"`
}

// PodMetadata is what the pods of one side carry during a canary.
type PodMetadata struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// TrafficRouting sets the scale of the weights. The providers are Argo's;
// Serin routes itself and reads none of them.
type TrafficRouting struct {
	MaxTrafficWeight *int32         `json:"maxTrafficWeight,omitempty"`
	ManagedRoutes    []ManagedRoute `json:"managedRoutes,omitempty"`

	ALB        json.RawMessage `json:"alb,omitempty"`
	Ambassador json.RawMessage `json:"ambassador,omitempty"`
	Apisix     json.RawMessage `json:"apisix,omitempty"`
	AppMesh    json.RawMessage `json:"appMesh,omitempty"`
	Istio      json.RawMessage `json:"istio,omitempty"`
	Nginx      json.RawMessage `json:"nginx,omitempty"`
	Plugins    json.RawMessage `json:"plugins,omitempty"`
	SMI        json.RawMessage `json:"smi,omitempty"`
	Traefik    json.RawMessage `json:"traefik,omitempty"`
}

// ManagedRoute names a route that a step makes; their order is the precedence.
type ManagedRoute struct {
	Name string `json:"name"`
}
