package api

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Experiment runs versions beside each other and analyses them. Source: Argo's
// CRD.
type Experiment struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ExperimentSpec   `json:"spec"`
	Status            ExperimentStatus `json:"status"`
}

// ExperimentSpec is what an Experiment runs.
type ExperimentSpec struct {
	Templates []ExperimentTemplate `json:"templates"`
	// Duration is how long it runs once everything is available; "": until its
	// analyses end.
	Duration                DurationText           `json:"duration,omitempty"`
	ProgressDeadlineSeconds *int32                 `json:"progressDeadlineSeconds,omitempty"`
	Terminate               bool                   `json:"terminate,omitempty"`
	Analyses                []ExperimentAnalysis   `json:"analyses,omitempty"`
	ScaleDownDelaySeconds   *int32                 `json:"scaleDownDelaySeconds,omitempty"`
	DryRun                  []DryRun               `json:"dryRun,omitempty"`
	MeasurementRetention    []MeasurementRetention `json:"measurementRetention,omitempty"`
	AnalysisRunMetadata     *PodMetadata           `json:"analysisRunMetadata,omitempty"`
}

// ExperimentTemplate is one version that an Experiment runs.
type ExperimentTemplate struct {
	Name            string                `json:"name"`
	Replicas        *int32                `json:"replicas,omitempty"`
	MinReadySeconds int32                 `json:"minReadySeconds,omitempty"`
	Selector        *metav1.LabelSelector `json:"selector,omitempty"`
	Template        Template              `json:"template"`
	Service         *ExperimentService    `json:"service,omitempty"`
}

// ExperimentService asks for a Service of a template.
type ExperimentService struct {
	Name string `json:"name,omitempty"`
}

// ExperimentAnalysis is an analysis of an experiment.
type ExperimentAnalysis struct {
	Name         string     `json:"name"`
	TemplateName string     `json:"templateName"`
	ClusterScope bool       `json:"clusterScope,omitempty"`
	Args         []Argument `json:"args,omitempty"`
	// RequiredForCompletion makes the experiment wait for it.
	RequiredForCompletion bool `json:"requiredForCompletion,omitempty"`
}

// Ref gives the reference to the analysis' template.
func (a *ExperimentAnalysis) Ref() AnalysisTemplateRef {
	return AnalysisTemplateRef{TemplateName: a.TemplateName, ClusterScope: a.ClusterScope}
}

// ExperimentStatus is where an Experiment stands.
type ExperimentStatus struct {
	Phase   AnalysisPhase `json:"phase,omitempty"`
	Message string        `json:"message,omitempty"`
	// AvailableAt is when all templates had their pods for the first time: then its
	// analyses begin, and its duration.
	AvailableAt      *metav1.Time               `json:"availableAt,omitempty"`
	TemplateStatuses []ExperimentTemplateStatus `json:"templateStatuses,omitempty"`
	AnalysisRuns     []ExperimentAnalysisRun    `json:"analysisRuns,omitempty"`
	Conditions       []ExperimentCondition      `json:"conditions,omitempty"`
	// ObservedGeneration is that of the object that the status is of. Serin's own.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// ExperimentTemplateStatus is where one version of an Experiment stands. Source:
// Argo's CRD.
type ExperimentTemplateStatus struct {
	Name              string        `json:"name"`
	Replicas          int32         `json:"replicas"`        // pods that exist
	UpdatedReplicas   int32         `json:"updatedReplicas"` // the same: a template does not change
	ReadyReplicas     int32         `json:"readyReplicas"`
	AvailableReplicas int32         `json:"availableReplicas"` // ready for minReadySeconds
	CollisionCount    *int32        `json:"collisionCount,omitempty"`
	Status            TemplatePhase `json:"status,omitempty"`
	Message           string        `json:"message,omitempty"`
	// LastTransitionTime is since when Status is what it is.
	LastTransitionTime *metav1.Time `json:"lastTransitionTime,omitempty"`
	ServiceName        string       `json:"serviceName,omitempty"`
	// PodTemplateHash names the version: its pods carry it as a label.
	PodTemplateHash string `json:"podTemplateHash,omitempty"`
}

// TemplatePhase is where a template of an Experiment stands. Source: Argo's CRD.
type TemplatePhase string

// The phases of a template.
const (
	TemplateProgressing TemplatePhase = "Progressing" // its pods are being made
	TemplateRunning     TemplatePhase = "Running"     // they are available
	TemplateSuccessful  TemplatePhase = "Successful"  // its time is over
	TemplateFailed      TemplatePhase = "Failed"      // they were not available in time
	TemplateError       TemplatePhase = "Error"       // they cannot be made
)

// Completed reports whether nothing more comes.
func (p TemplatePhase) Completed() bool {
	return p == TemplateSuccessful || p == TemplateFailed || p == TemplateError
}

// ExperimentCondition is one thing that holds of an Experiment or does not:
// Progressing as in Argo, and Ready, Reconciling and Stalled as tools expect them
// that know no kinds.
type ExperimentCondition struct {
	Type               string      `json:"type"`
	Status             string      `json:"status"` // True, False
	LastUpdateTime     metav1.Time `json:"lastUpdateTime"`
	LastTransitionTime metav1.Time `json:"lastTransitionTime"`
	Reason             string      `json:"reason"`
	Message            string      `json:"message"`
	// ObservedGeneration is that of the object that the condition is of. Serin's own.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// ExperimentAnalysisRun is where one analysis of an Experiment stands.
type ExperimentAnalysisRun struct {
	Name        string        `json:"name"`
	AnalysisRun string        `json:"analysisRun"`
	Phase       AnalysisPhase `json:"phase"`
	Message     string        `json:"message,omitempty"`
}

// ExperimentStep is a step that runs an experiment and waits for its success.
// For files its templates have no pods; its analyses run.
type ExperimentStep struct {
	Templates             []ExperimentStepTemplate `json:"templates"`
	Duration              DurationText             `json:"duration,omitempty"`
	Analyses              []ExperimentAnalysis     `json:"analyses,omitempty"`
	DryRun                []DryRun                 `json:"dryRun,omitempty"`
	AnalysisRunMetadata   *PodMetadata             `json:"analysisRunMetadata,omitempty"`
	ScaleDownDelaySeconds *int32                   `json:"scaleDownDelaySeconds,omitempty"`
}

// ExperimentStepTemplate is one version that an experiment step runs.
type ExperimentStepTemplate struct {
	Name     string                `json:"name"`
	SpecRef  string                `json:"specRef"` // stable or canary
	Replicas *int32                `json:"replicas,omitempty"`
	Metadata *PodMetadata          `json:"metadata,omitempty"`
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
	Weight   *int32                `json:"weight,omitempty"`
	Service  *ExperimentService    `json:"service,omitempty"`
}
