package snapshot

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/serin-mesh/serin/api"
)

// services answers what a backendRef points at.
type services struct {
	objects  map[api.Key]*api.Service
	stableOf map[Service]Service // by canary Service
	canaryOf map[Service]Service // by stable Service
}

// resolve finds the Service port of a reference made in a namespace. What is
// no Service of that namespace does not exist: a reference into another one
// needs a ReferenceGrant, and those are not read.
func (s *services) resolve(namespace string, ref *gatewayv1.BackendObjectReference) backend {
	b := backend{named: backendKey{Service: Service{Namespace: namespace, Name: string(ref.Name)}}}
	if ref.Namespace != nil && *ref.Namespace != "" {
		b.named.Namespace = string(*ref.Namespace)
	}
	if ref.Port != nil {
		b.named.Port = *ref.Port
	}
	core := (ref.Group == nil || *ref.Group == "") && (ref.Kind == nil || *ref.Kind == "Service")
	if !core || b.named.Namespace != namespace {
		return b
	}
	b.exists = s.port(b.named) != nil
	if stable, ok := s.stableOf[b.named.Service]; ok {
		b.rollout = backendKey{Service: stable, Port: b.named.Port}
		b.canary = s.port(b.rollout) != nil
	}
	return b
}

// port finds the port of a Service by its number; nil where there is none.
func (s *services) port(b backendKey) *corev1.ServicePort {
	o := s.objects[b.Service]
	if o == nil {
		return nil
	}
	for i := range o.Spec.Ports {
		p := &o.Spec.Ports[i]
		if p.Port == b.Port && (p.Protocol == "" || p.Protocol == corev1.ProtocolTCP) {
			return p
		}
	}
	return nil
}

// samePorts says whether backendRefs resolve alike under both objects.
func samePorts(a, b *api.Service) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.EqualFunc(a.Spec.Ports, b.Spec.Ports, func(p, q corev1.ServicePort) bool {
		return p.Port == q.Port && p.Protocol == q.Protocol
	})
}

// pairs reads which Services are canary Services from the Rollouts. Where two
// Rollouts claim one, the Rollout that comes first by name has it.
func pairs(rollouts map[api.Key]*api.Rollout) (stableOf, canaryOf map[Service]Service) {
	stableOf, canaryOf = map[Service]Service{}, map[Service]Service{}
	keys := make([]api.Key, 0, len(rollouts))
	for k := range rollouts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, api.Key.Compare)
	for _, k := range keys {
		stable, canary, ok := pair(rollouts[k])
		_, claimed := stableOf[canary]
		if _, twice := canaryOf[stable]; !ok || claimed || twice {
			continue
		}
		stableOf[canary], canaryOf[stable] = stable, canary
	}
	return stableOf, canaryOf
}

// pair gives the two Services of a Rollout; false where it has but one.
func pair(r *api.Rollout) (stable, canary Service, ok bool) {
	if r == nil {
		return stable, canary, false
	}
	stable = r.StableService()
	canary, ok = r.CanaryService()
	return stable, canary, ok && stable != canary
}
