package experiment

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
)

// What holds where an Experiment says nothing. Source: Argo Rollouts 1.10.
const (
	defaultReplicas = 1
	defaultDeadline = 600 * time.Second
	defaultDelay    = 30 * time.Second
)

// Seen is what is so of the parts of an experiment now.
type Seen struct {
	Templates []Template // as the spec has them
	Analyses  []Analysis // as the spec has them
}

// Template is what is so of the pods of one template.
type Template struct {
	Hash       string // of the version; "": it has no ReplicaSet
	Service    string // that was made for it; "": none
	Collisions int32  // names that were taken by something else

	Wanted                     int32  // pods that are asked for
	Replicas, Ready, Available int32  // pods that there are
	Current                    bool   // they were counted after the number was asked for
	Failure                    string // why pods cannot be made now; it is tried again
	Error                      string // why they can never be
	Held                       bool   // somebody may still use the pods
}

// Plan is what is to be so of the parts of an experiment.
type Plan struct {
	Replicas []int32 // pods, by template
	Analyse  bool    // the analyses are to have begun
	Stop     bool    // those that have not ended are to end
	// Next is when time alone changes the plan; zero: never.
	Next time.Time
}

// Next gives the status of an experiment and what is to be done. Templates that
// never get their pods fail it after progressDeadlineSeconds. Once all have them
// their analyses and the duration begin. When it has ended its pods stay for
// scaleDownDelaySeconds, so that whoever is sent to them hears of it first.
func Next(spec *api.ExperimentSpec, status api.ExperimentStatus, seen Seen, now time.Time) (api.ExperimentStatus, Plan) {
	status.TemplateStatuses = templates(spec, status, seen, now)
	status.AnalysisRuns = analyses(seen.Analyses)
	p := Plan{Replicas: make([]int32, len(spec.Templates))}
	if !status.Phase.Completed() {
		status = advance(spec, status, seen, now, &p)
	}
	if status.Phase.Completed() {
		p.Stop, p.Analyse = true, false
		leave(spec, &status, seen, now, &p)
	} else {
		for i := range p.Replicas {
			p.Replicas[i] = Replicas(&spec.Templates[i])
		}
	}
	return status, p
}

// Replicas gives how many pods a template is to have.
func Replicas(t *api.ExperimentTemplate) int32 {
	if t.Replicas == nil {
		return defaultReplicas
	}
	return *t.Replicas
}

// templates says where the pods stand.
func templates(spec *api.ExperimentSpec, status api.ExperimentStatus, seen Seen, now time.Time) []api.ExperimentTemplateStatus {
	out := make([]api.ExperimentTemplateStatus, len(spec.Templates))
	for i := range spec.Templates {
		t, of := &spec.Templates[i], seen.Templates[i]
		s := api.ExperimentTemplateStatus{Name: t.Name}
		if k := slices.IndexFunc(status.TemplateStatuses, func(o api.ExperimentTemplateStatus) bool { return o.Name == t.Name }); k >= 0 {
			s = status.TemplateStatuses[k]
		}
		s.Replicas, s.UpdatedReplicas, s.ReadyReplicas, s.AvailableReplicas = of.Replicas, of.Replicas, of.Ready, of.Available
		s.PodTemplateHash, s.ServiceName, s.CollisionCount = of.Hash, of.Service, nil
		if of.Collisions > 0 {
			s.CollisionCount = &of.Collisions
		}
		if !s.Status.Completed() && !status.Phase.Completed() {
			phase, message := progress(spec, t, s, of, now)
			move(&s, phase, message, now)
		}
		out[i] = s
	}
	return out
}

// progress says where a template stands that has not ended.
func progress(spec *api.ExperimentSpec, t *api.ExperimentTemplate, s api.ExperimentTemplateStatus, of Template, now time.Time) (api.TemplatePhase, string) {
	need := Replicas(t)
	switch {
	case of.Error != "":
		return api.TemplateError, of.Error
	case of.Hash != "" && of.Current && of.Available >= need:
		return api.TemplateRunning, ""
	case s.Status == api.TemplateProgressing && !now.Before(s.LastTransitionTime.Add(deadline(spec))):
		message := fmt.Sprintf("%d of %d pods are available after %s, its progressDeadlineSeconds", of.Available, need, deadline(spec))
		if of.Failure != "" {
			message += ": " + of.Failure
		}
		return api.TemplateFailed, message
	}
	return api.TemplateProgressing, of.Failure
}

// move notes where a template stands.
func move(s *api.ExperimentTemplateStatus, phase api.TemplatePhase, message string, now time.Time) {
	if s.Status != phase {
		s.LastTransitionTime = at(now)
	}
	s.Status, s.Message = phase, message
}

func deadline(spec *api.ExperimentSpec) time.Duration {
	return seconds(spec.ProgressDeadlineSeconds, defaultDeadline)
}

func seconds(n *int32, fallback time.Duration) time.Duration {
	if n == nil {
		return fallback
	}
	return time.Duration(*n) * time.Second
}

// at gives a time as statuses have it: to the second.
func at(t time.Time) *metav1.Time {
	m := metav1.NewTime(t.Truncate(time.Second))
	return &m
}

// analyses says where the analyses that have begun stand.
func analyses(all []Analysis) []api.ExperimentAnalysisRun {
	var out []api.ExperimentAnalysisRun
	for _, a := range all {
		if a.Run != "" || a.Phase.Completed() {
			out = append(out, api.ExperimentAnalysisRun{Name: a.Name, AnalysisRun: a.Run, Phase: a.Phase, Message: a.Message})
		}
	}
	return out
}

// advance brings an experiment on that has not ended.
func advance(spec *api.ExperimentSpec, status api.ExperimentStatus, seen Seen, now time.Time, p *Plan) api.ExperimentStatus {
	if status.Phase == "" {
		status.Phase = api.AnalysisPending
	}
	duration, err := spec.Duration.Duration()
	if err != nil {
		return end(status, api.AnalysisError, "spec.duration: "+err.Error(), now)
	}
	if phase, message := unfit(status.TemplateStatuses); phase != "" {
		return end(status, phase, message, now)
	}
	available := true
	for _, s := range status.TemplateStatuses {
		if available = available && s.Status == api.TemplateRunning; s.Status == api.TemplateProgressing {
			p.wake(s.LastTransitionTime.Add(deadline(spec)))
		}
	}
	if available && status.AvailableAt == nil {
		status.AvailableAt, status.Phase = at(now), api.AnalysisRunning
	}
	until, open := ends(spec, status, duration)
	if status.AvailableAt != nil {
		p.Analyse = true
		if phase, by := Assess(seen.Analyses, until, now); phase != "" && (!open || phase != api.AnalysisSuccessful) {
			return end(status, phase, said(seen.Analyses, by), now)
		}
		if until != nil {
			p.wake(*until)
		}
	}
	if spec.Terminate {
		return end(status, api.AnalysisSuccessful, "somebody terminated it", now)
	}
	return status
}

// ends gives when the time of an experiment is over; open: it has nothing that ends
// it but somebody who terminates it.
func ends(spec *api.ExperimentSpec, status api.ExperimentStatus, duration time.Duration) (until *time.Time, open bool) {
	if duration > 0 && status.AvailableAt != nil {
		t := status.AvailableAt.Add(duration)
		until = &t
	}
	return until, duration <= 0 && len(spec.Analyses) == 0
}

// wake has the plan looked at again at a time.
func (p *Plan) wake(t time.Time) {
	if p.Next.IsZero() || t.Before(p.Next) {
		p.Next = t
	}
}

// unfit says that a template has no pods and never will.
func unfit(all []api.ExperimentTemplateStatus) (api.AnalysisPhase, string) {
	for _, s := range all {
		switch s.Status {
		case api.TemplateFailed:
			return api.AnalysisFailed, "template " + s.Name + ": " + s.Message
		case api.TemplateError:
			return api.AnalysisError, "template " + s.Name + ": " + s.Message
		}
	}
	return "", ""
}

// said joins what some analyses ended with.
func said(all []Analysis, by []int) string {
	var out []string
	for _, i := range by {
		text := fmt.Sprintf("analysis %s: %s", all[i].Name, all[i].Phase)
		if all[i].Message != "" {
			text += ", " + all[i].Message
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// end ends an experiment, and its templates that have not.
func end(status api.ExperimentStatus, phase api.AnalysisPhase, message string, now time.Time) api.ExperimentStatus {
	status.Phase, status.Message = phase, message
	for i := range status.TemplateStatuses {
		if s := &status.TemplateStatuses[i]; !s.Status.Completed() {
			move(s, api.TemplateSuccessful, "", now)
		}
	}
	return status
}

// leave says how many pods the templates of an ended experiment keep.
func leave(spec *api.ExperimentSpec, status *api.ExperimentStatus, seen Seen, now time.Time, p *Plan) {
	for i, s := range status.TemplateStatuses {
		of := seen.Templates[i]
		goes := now
		if s.LastTransitionTime != nil {
			goes = s.LastTransitionTime.Add(seconds(spec.ScaleDownDelaySeconds, defaultDelay))
		}
		switch {
		case of.Wanted == 0:
		case now.Before(goes):
			p.Replicas[i] = of.Wanted
			p.wake(goes)
		case of.Held:
			p.Replicas[i] = of.Wanted
		}
	}
}
