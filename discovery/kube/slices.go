package kube

import (
	"maps"
	"reflect"
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/api"
)

// slice is an EndpointSlice of the API, and what the set has in its place.
type slice struct {
	raw     *api.EndpointSlice
	divided map[string]*api.EndpointSlice // by version
}

// seeSlice takes an EndpointSlice. One with errors leaves the one before.
func (m *model) seeSlice(n name, i *item) {
	if i != nil {
		m.find(n.ref(), i.findings)
	} else {
		m.find(n.ref(), nil)
	}
	s := m.slices[n.key]
	if s == nil {
		s = &slice{}
		m.slices[n.key] = s
	}
	m.point(n.key, s.raw, false)
	switch {
	case i == nil:
		s.raw = nil
	case i.doc.Object != nil:
		s.raw = i.doc.Object.(*api.EndpointSlice)
	}
	m.point(n.key, s.raw, true)
	m.remake[n.key] = true
}

// seePod takes what is known of a pod, and looks again at the slices with it.
func (m *model) seePod(key api.Key, i *item) {
	before := m.pods[key]
	var now pod
	if i != nil {
		now = i.pod
	}
	if before == now {
		return
	}
	if i == nil {
		delete(m.pods, key)
	} else {
		m.pods[key] = now
	}
	for _, slice := range m.onPod[key] {
		m.remake[slice] = true
	}
}

// point notes which pods a slice has, or no longer has.
func (m *model) point(key api.Key, s *api.EndpointSlice, has bool) {
	if s == nil {
		return
	}
	for i := range s.Endpoints {
		pod, ok := podOf(s, &s.Endpoints[i])
		if !ok {
			continue
		}
		on := m.onPod[pod]
		at := slices.Index(on, key)
		switch {
		case has && at < 0:
			m.onPod[pod] = append(on, key)
		case !has && at >= 0 && len(on) == 1:
			delete(m.onPod, pod)
		case !has && at >= 0:
			m.onPod[pod] = slices.Delete(on, at, at+1)
		}
	}
}

// podOf names the pod behind an endpoint.
func podOf(s *api.EndpointSlice, e *discoveryv1.Endpoint) (api.Key, bool) {
	if e.TargetRef == nil {
		return api.Key{}, false
	}
	namespace := e.TargetRef.Namespace
	if namespace == "" {
		namespace = s.Namespace
	}
	return api.Key{Namespace: namespace, Name: e.TargetRef.Name}, true
}

// version gives the version of an endpoint, "" where it is not known. A pod that
// only has the name of the one meant says nothing.
func (m *model) version(s *api.EndpointSlice, e *discoveryv1.Endpoint) string {
	key, ok := podOf(s, e)
	if !ok {
		return ""
	}
	p := m.pods[key]
	if uid := e.TargetRef.UID; uid != "" && p.uid != uid {
		return ""
	}
	return p.hash
}

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
