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
	Phase        AnalysisPhase           `json:"phase,omitempty"`
	Message      string                  `json:"message,omitempty"`
	AvailableAt  *metav1.Time            `json:"availableAt,omitempty"`
	AnalysisRuns []ExperimentAnalysisRun `json:"analysisRuns,omitempty"`
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
