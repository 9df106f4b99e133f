package kube

import (
	"maps"
	"reflect"
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
)

// divide makes the slices that the set has in place of one of the API.
func (m *model) divide(key api.Key) {
	s := m.slices[key]
	now := map[string]*api.EndpointSlice{}
	if s.raw != nil {
		now = m.parts(s.raw)
	} else {
		delete(m.slices, key)
	}
	for version, part := range now {
		if old := s.divided[version]; old != nil && reflect.DeepEqual(old, part) {
			now[version] = old
		}
		m.set.put(api.KeyOf(part), now[version])
	}
	for version, old := range s.divided {
		if now[version] == nil {
			m.set.drop(api.Ref{Kind: kindEndpointSlice, Key: api.KeyOf(old)})
		}
	}
	s.divided = now
}

// parts divides a slice by the versions of its endpoints.
func (m *model) parts(s *api.EndpointSlice) map[string]*api.EndpointSlice {
	endpoints := map[string][]discoveryv1.Endpoint{}
	for i := range s.Endpoints {
		v := m.version(s, &s.Endpoints[i])
		endpoints[v] = append(endpoints[v], s.Endpoints[i])
	}
	out := make(map[string]*api.EndpointSlice, len(endpoints))
	for version, of := range endpoints {
		part := *s
		part.ObjectMeta = metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name, Labels: s.Labels}
		if version != "" {
			part.Name += "@" + version
			part.Labels = maps.Clone(s.Labels)
			part.Labels[api.LabelVersion] = version
		}
		part.Endpoints = slices.Clip(of)
		out[version] = &part
	}
	return out
}
