package runner

import (
	"context"
	"fmt"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/workload"
)

// makeService makes the Service that a template asks for, for its pods alone, with
// the ports of its containers, and gives its name.
func (r *Runner) makeService(ctx context.Context, i id, e *api.Experiment, t *api.ExperimentTemplate, set *apps.ReplicaSet) (string, error) {
	pods, err := workload.PodTemplate(&t.Template)
	if err != nil {
		return "", fmt.Errorf("template %s: %w", t.Name, err)
	}
	s := &core.Service{
		ObjectMeta: metav1.ObjectMeta{
			Name: t.Service.Name, Namespace: i.key.Namespace,
			OwnerReferences: []metav1.OwnerReference{reference(apiVersion(i), kindExperiment, e)},
			Annotations:     map[string]string{annotationExperiment: e.Name, annotationTemplate: t.Name},
		},
		Spec: core.ServiceSpec{Selector: map[string]string{workload.LabelHash: set.Labels[workload.LabelHash]}, Ports: portsOf(&pods)},
	}
	if s.Name == "" {
		s.Name = set.Name
	}
	_, err = r.client.CoreV1().Services(s.Namespace).Create(ctx, s, metav1.CreateOptions{FieldManager: fieldManager})
	if apierrors.IsAlreadyExists(err) {
		var there *core.Service
		if there, err = r.client.CoreV1().Services(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{}); err == nil && !metav1.IsControlledBy(there, e) {
			return "", errTaken{"Service", s.Name}
		}
	}
	if err != nil {
		return "", fmt.Errorf("making Service %q: %w", s.Name, err)
	}
	return s.Name, nil
}

// portsOf lists the ports of the containers.
func portsOf(pods *core.PodTemplateSpec) []core.ServicePort {
	var out []core.ServicePort
	for _, c := range pods.Spec.Containers {
		for _, p := range c.Ports {
			out = append(out, core.ServicePort{Name: p.Name, Protocol: p.Protocol, Port: p.ContainerPort, TargetPort: intstr.FromInt32(p.ContainerPort)})
		}
	}
	if len(out) > 1 {
		for i := range out {
			if out[i].Name == "" { // several ports need names
				out[i].Name = fmt.Sprintf("port-%d", out[i].Port)
			}
		}
	}
	return out
}

// removeService deletes the Service that was made for a template.
func (r *Runner) removeService(ctx context.Context, i id, e *api.Experiment, name string) error {
	there, err := r.client.CoreV1().Services(i.key.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && !metav1.IsControlledBy(there, e) {
		return nil
	}
	if err == nil {
		err = r.client.CoreV1().Services(i.key.Namespace).Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &there.UID}})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting Service %q: %w", name, err)
	}
	return nil
}

// errTaken says that a name that was asked for is somebody else's.
type errTaken struct{ kind, name string }

func (e errTaken) Error() string { return fmt.Sprintf("another %s has the name %s", e.kind, e.name) }
