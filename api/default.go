package api

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// setDefaults fills in what the Kubernetes API would when it takes the object,
// so that what reads objects need not know whether they came from a file or
// from a cluster. It also makes every namespace explicit, those of references
// included.
func setDefaults(o object) {
	o.SetNamespace(KeyOf(o).Namespace)
	switch o := o.(type) {
	case *Gateway:
		defaultGateway(o)
	case *HTTPRoute:
		defaultRoute(o)
	case *Service:
		defaultService(o)
	case *EndpointSlice:
		defaultSlice(o)
	case *Rollout:
		defaultRollout(o)
	case *Secret:
		defaultSecret(o)
	}
}

// fill points to a default where p points nowhere.
func fill[T any](p **T, value T) {
	if *p == nil {
		*p = &value
	}
}

// defaultGateway lets each listener take routes of its own namespace.
func defaultGateway(g *Gateway) {
	for i := range g.Spec.Listeners {
		l := &g.Spec.Listeners[i]
		fill(&l.AllowedRoutes, gatewayv1.AllowedRoutes{})
		fill(&l.AllowedRoutes.Namespaces, gatewayv1.RouteNamespaces{})
		fill(&l.AllowedRoutes.Namespaces.From, gatewayv1.NamespacesFromSame)
	}
}

// defaultRoute fills in references and matches.
func defaultRoute(h *HTTPRoute) {
	for i := range h.Spec.ParentRefs {
		p := &h.Spec.ParentRefs[i]
		fill(&p.Group, gatewayv1.GroupName)
		fill(&p.Kind, kindGateway)
		fill(&p.Namespace, gatewayv1.Namespace(h.Namespace))
	}
	if len(h.Spec.Rules) == 0 {
		h.Spec.Rules = []gatewayv1.HTTPRouteRule{{}}
	}
	for i := range h.Spec.Rules {
		rule := &h.Spec.Rules[i]
		defaultMatches(rule)
		defaultFilters(rule.Filters, h.Namespace)
		for j := range rule.BackendRefs {
			b := &rule.BackendRefs[j]
			fill(&b.Weight, 1)
			defaultBackend(&b.BackendObjectReference, h.Namespace)
			defaultFilters(b.Filters, h.Namespace)
		}
	}
}

// defaultBackend makes a reference to a Service out of what is not said.
func defaultBackend(b *gatewayv1.BackendObjectReference, namespace string) {
	fill(&b.Group, "")
	fill(&b.Kind, kindService)
	fill(&b.Namespace, gatewayv1.Namespace(namespace))
}

// defaultMatches makes a rule match every path where it does not say which.
func defaultMatches(rule *gatewayv1.HTTPRouteRule) {
	if len(rule.Matches) == 0 {
		rule.Matches = []gatewayv1.HTTPRouteMatch{{}}
	}
	for i := range rule.Matches {
		m := &rule.Matches[i]
		fill(&m.Path, gatewayv1.HTTPPathMatch{})
		fill(&m.Path.Type, gatewayv1.PathMatchPathPrefix)
		fill(&m.Path.Value, "/")
		for j := range m.Headers {
			fill(&m.Headers[j].Type, gatewayv1.HeaderMatchExact)
		}
		for j := range m.QueryParams {
			fill(&m.QueryParams[j].Type, gatewayv1.QueryParamMatchExact)
		}
	}
}

// defaultFilters fills in what filters leave open.
func defaultFilters(filters []gatewayv1.HTTPRouteFilter, namespace string) {
	for i := range filters {
		if f := filters[i].RequestRedirect; f != nil {
			fill(&f.StatusCode, 302)
		}
		if f := filters[i].RequestMirror; f != nil {
			defaultBackend(&f.BackendRef, namespace)
		}
	}
}

// defaultService makes ports TCP, and their own targets.
func defaultService(s *Service) {
	if s.Spec.Type == "" {
		s.Spec.Type = corev1.ServiceTypeClusterIP
	}
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		if p.Protocol == "" {
			p.Protocol = corev1.ProtocolTCP
		}
		if p.TargetPort == (intstr.IntOrString{}) {
			p.TargetPort = intstr.FromInt32(p.Port)
		}
	}
}

// defaultSlice makes ports TCP and unnamed, and endpoints ready.
func defaultSlice(s *EndpointSlice) {
	for i := range s.Ports {
		fill(&s.Ports[i].Name, "")
		fill(&s.Ports[i].Protocol, corev1.ProtocolTCP)
	}
	for i := range s.Endpoints {
		fill(&s.Endpoints[i].Conditions.Ready, true)
	}
}

// defaultSecret merges stringData into data, as the Kubernetes API does.
func defaultSecret(s *Secret) {
	for key, text := range s.StringData {
		if s.Data == nil {
			s.Data = map[string][]byte{}
		}
		s.Data[key] = []byte(text)
	}
	s.StringData = nil
	if s.Type == "" {
		s.Type = corev1.SecretTypeOpaque
	}
}

// defaultRollout makes steps of one kind each, and texts of arguments that say
// nothing.
func defaultRollout(r *Rollout) {
	c := r.Spec.Strategy.Canary
	if c == nil {
		return
	}
	divideSteps(c)
	if c.Analysis != nil {
		defaultArguments(c.Analysis.Args)
	}
	for i := range c.Steps {
		if a := c.Steps[i].Analysis; a != nil {
			defaultArguments(a.Args)
		}
		if e := c.Steps[i].Experiment; e != nil {
			for j := range e.Analyses {
				defaultArguments(e.Analyses[j].Args)
			}
		}
	}
}

// defaultArguments makes the empty text of a value that a Rollout does not
// write, as Argo does.
func defaultArguments(args []Argument) {
	for i := range args {
		if args[i].ValueFrom == nil {
			fill(&args[i].Value, "")
		}
	}
}
