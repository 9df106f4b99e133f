package api

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Phase is the one word for where a Rollout stands.
type Phase string

// The phases of a Rollout, as in Argo Rollouts.
const (
	PhaseProgressing Phase = "Progressing"
	PhasePaused      Phase = "Paused"
	PhaseHealthy     Phase = "Healthy"
	PhaseDegraded    Phase = "Degraded"
)

// RolloutStatus is what Serin says of a Rollout. Names and meaning are Argo
// Rollouts' where Argo has the field; Fleet, Observed, Evidence,
// NextTransitionAt, Pinned and Findings are Serin's own.
type RolloutStatus struct {
	Phase            Phase                    `json:"phase"`
	Message          string                   `json:"message,omitempty"`
	Abort            bool                     `json:"abort"`
	AbortedAt        *time.Time               `json:"abortedAt,omitempty"`
	CurrentStepIndex int                      `json:"currentStepIndex"`
	PauseConditions  []PauseCondition         `json:"pauseConditions,omitempty"`
	ControllerPause  bool                     `json:"controllerPause,omitempty"`
	PromoteFull      bool                     `json:"promoteFull,omitempty"`
	StableRS         string                   `json:"stableRS"`       // version
	CurrentPodHash   string                   `json:"currentPodHash"` // version
	Pinned           bool                     `json:"pinned,omitempty"`
	Canary           CanaryStatus             `json:"canary"`
	Fleet            FleetStatus              `json:"fleet"`
	Observed         map[string]VersionCounts `json:"observed"` // by version
	Evidence         []Evidence               `json:"evidence"`
	NextTransitionAt *time.Time               `json:"nextTransitionAt"`
	Findings         []string                 `json:"findings,omitempty"` // the folder's errors: while there are any, none of its changes is in force
	Conditions       []RolloutCondition       `json:"conditions,omitempty"`
	Frozen           *FreezeStatus            `json:"frozen,omitempty"`  // nothing advances
	Release          string                   `json:"release,omitempty"` // the Release that it is a member of
	PodsStatus       `json:",inline"`         // only in a cluster
}

// PodsStatus is what is so of a Rollout's pods, in a cluster. Source: Argo's CRD.
type PodsStatus struct {
	Replicas          int32  `json:"replicas,omitempty"`          // of all versions
	UpdatedReplicas   int32  `json:"updatedReplicas,omitempty"`   // of the wanted version
	ReadyReplicas     int32  `json:"readyReplicas,omitempty"`     // of all versions
	AvailableReplicas int32  `json:"availableReplicas,omitempty"` // ready for minReadySeconds
	HPAReplicas       int32  `json:"HPAReplicas,omitempty"`       // what an autoscaler counts
	Selector          string `json:"selector,omitempty"`          // of those
	CollisionCount    *int32 `json:"collisionCount,omitempty"`
	// RestartedAt is the spec.restartAt that every pod is younger than.
	RestartedAt *metav1.Time `json:"restartedAt,omitempty"`
	// ObservedGeneration is that of the object that the status is about, as text.
	ObservedGeneration string `json:"observedGeneration,omitempty"`
	CurrentStepHash    string `json:"currentStepHash,omitempty"`
	// WorkloadObservedGeneration is that of the workload that it refers to.
	WorkloadObservedGeneration string `json:"workloadObservedGeneration,omitempty"`
}

// FreezeStatus is a freeze in force. Serin's own.
type FreezeStatus struct {
	All    bool       `json:"all"`             // of all Rollouts
	Until  *time.Time `json:"until,omitempty"` // nil: until unfreeze
	Actor  string     `json:"actor"`
	Reason string     `json:"reason,omitempty"`
}

// RolloutCondition is one thing that holds of a Rollout or does not. Types,
// statuses and reasons are Argo Rollouts'.
type RolloutCondition struct {
	Type               string    `json:"type"`   // Available, Progressing, Paused, Completed, Healthy, InvalidSpec
	Status             string    `json:"status"` // True, False, Unknown
	LastUpdateTime     time.Time `json:"lastUpdateTime"`
	LastTransitionTime time.Time `json:"lastTransitionTime"`
	Reason             string    `json:"reason"`
	Message            string    `json:"message"`
}

// AnalysisRunRef says how an AnalysisRun of a Rollout stands. Source: Argo's CRD.
type AnalysisRunRef struct {
	Name    string        `json:"name"`
	Status  AnalysisPhase `json:"status"`
	Message string        `json:"message,omitempty"`
}

// PauseCondition is one reason to wait. Source: Argo's CRD.
type PauseCondition struct {
	Reason    string    `json:"reason"` // CanaryPauseStep, InconclusiveAnalysisRun, UserPause
	StartTime time.Time `json:"startTime"`
}

// CanaryStatus holds the weights wanted, and the analyses under way.
type CanaryStatus struct {
	Weights TrafficWeights `json:"weights"`
	// CurrentStepAnalysisRunStatus is that of an analysis or gate step,
	// CurrentBackgroundAnalysisRunStatus of the analysis beside the steps; nil:
	// none runs, or did last in this attempt.
	CurrentStepAnalysisRunStatus       *AnalysisRunRef `json:"currentStepAnalysisRunStatus,omitempty"`
	CurrentBackgroundAnalysisRunStatus *AnalysisRunRef `json:"currentBackgroundAnalysisRunStatus,omitempty"`
	// CurrentExperiment names the experiment that the step runs.
	CurrentExperiment string `json:"currentExperiment,omitempty"`
}

// TrafficWeights are the weights wanted; they sum to 100.
type TrafficWeights struct {
	Canary WeightDestination `json:"canary"`
	Stable WeightDestination `json:"stable"`
	// Additional are those of an experiment's versions, beside the two.
	Additional []WeightDestination `json:"additional,omitempty"`
}

// WeightDestination is the share of one version.
type WeightDestination struct {
	Weight          float64 `json:"weight"` // 0 to 100, in percent
	PodTemplateHash string  `json:"podTemplateHash,omitempty"`
	ServiceName     string  `json:"serviceName,omitempty"`
}

// FleetStatus counts the Envoys of a Rollout's fleet for the weights now wanted.
type FleetStatus struct {
	Connected   int `json:"connected"`
	Acked       int `json:"acked"`
	Rejected    int `json:"rejected"`
	Quarantined int `json:"quarantined"`
	Away        int `json:"away"`
	// Rejections names each rejecting Envoy and its reason.
	Rejections []Rejection `json:"rejections,omitempty"`
}

// Rejection is a configuration that an Envoy did not take.
type Rejection struct {
	Envoy   string `json:"envoy"`
	Type    string `json:"type"` // clusters, endpoints, listeners, routes, runtime
	Message string `json:"message"`
}

// VersionCounts is what one version served since the step began.
type VersionCounts struct {
	Requests uint64  `json:"requests"`
	Errors   uint64  `json:"errors"`
	Share    float64 `json:"share"` // of the requests of all versions, 0 to 1
}

// Verdict is what a judge says.
type Verdict string

// The verdicts of a judge.
const (
	VerdictHarm         Verdict = "harm"
	VerdictGood         Verdict = "good"
	VerdictInconclusive Verdict = "inconclusive"
	VerdictCannotJudge  Verdict = "cannot judge"
)

// Evidence is one judge's last verdict with the numbers behind it.
type Evidence struct {
	Metric         string    `json:"metric"` // error-rate, or the name of an analysis' metric
	Judge          string    `json:"judge"`  // guard, prove, or what runs the metric: analysis, experiment, gate
	Verdict        Verdict   `json:"verdict"`
	Message        string    `json:"message"`  // one plain sentence
	Evidence       float64   `json:"evidence"` // the e-process now
	Threshold      float64   `json:"threshold"`
	CanaryFailures uint64    `json:"canaryFailures"`
	StableFailures uint64    `json:"stableFailures"`
	CanaryRequests uint64    `json:"canaryRequests"`
	StableRequests uint64    `json:"stableRequests"`
	Weight         float64   `json:"weight"` // percent, at the last failure
	At             time.Time `json:"at"`
}

// JournalEntry is one transition or action of a Rollout, kept for good.
type JournalEntry struct {
	Seq      uint64     `json:"seq"`
	At       time.Time  `json:"at"`
	Event    string     `json:"event"` // FirstVersion, CanaryStarted, WeightSet, Paused, Promoted, Aborted, ...
	Message  string     `json:"message"`
	Actor    string     `json:"actor"` // serin, or who said it
	Verified bool       `json:"verified"`
	Reason   string     `json:"reason,omitempty"`
	Version  string     `json:"version"` // the one being rolled out
	Stable   string     `json:"stable"`
	Step     int        `json:"step"`
	Weight   float64    `json:"weight"` // wanted, percent
	Evidence []Evidence `json:"evidence,omitempty"`
}

// EnvoyState is whether an Envoy counts.
type EnvoyState string

// The states of an Envoy.
const (
	EnvoyConnected   EnvoyState = "connected"
	EnvoyAway        EnvoyState = "away"        // disconnected, still waited for
	EnvoyQuarantined EnvoyState = "quarantined" // no longer waited for
)

// Envoy is one client of the xDS server.
type Envoy struct {
	ID             string                `json:"id"`
	Gateway        string                `json:"gateway"` // NAMESPACE/NAME
	State          EnvoyState            `json:"state"`
	ConnectedSince *time.Time            `json:"connectedSince,omitempty"`
	LeftAt         *time.Time            `json:"leftAt,omitempty"`
	Protocol       string                `json:"protocol"`     // delta, state-of-the-world
	RuntimeLayer   bool                  `json:"runtimeLayer"` // it takes weights as runtime keys
	Types          map[string]TypeStatus `json:"types"`        // by clusters, endpoints, listeners, routes, runtime
}

// TypeStatus is what one Envoy has of one resource type.
type TypeStatus struct {
	Sent      string     `json:"sent"`  // version last sent: hash over its resources
	Acked     string     `json:"acked"` // version last accepted
	SentAt    *time.Time `json:"sentAt,omitempty"`
	AckedAt   *time.Time `json:"ackedAt,omitempty"`
	Resources int        `json:"resources"`          // how many it holds
	Rejected  []string   `json:"rejected,omitempty"` // names in the rejected response
	Message   string     `json:"message,omitempty"`  // why it was rejected
}

// Event is one line of GET /api/v1/events.
type Event struct {
	Type      string   `json:"type"` // rollout, removed
	Rollout   *Rollout `json:"rollout,omitempty"`
	Name      string   `json:"name,omitempty"`
	Namespace string   `json:"namespace,omitempty"`
}

// Action is what a person asks of a Rollout.
type Action struct {
	Verb     string     // promote, pause, resume, abort, retry, rollback, freeze, unfreeze
	Full     bool       // promote: skip the rest
	To       string     // rollback: version
	Until    *time.Time // freeze: when it ends; nil: with unfreeze
	Reason   string
	Actor    string // who
	Verified bool   // by a token
}
