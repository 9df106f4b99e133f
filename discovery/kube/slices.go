package kube

import (
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"

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
