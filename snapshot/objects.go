package snapshot

import (
	"reflect"

	"github.com/serin-mesh/serin/api"
)

// SetObjects replaces the set of objects. An object is taken to be unchanged
// when its pointer is the one of the set before, and a whole kind when its map
// is; finding out costs a comparison for each object. The Builder keeps the set
// and reads it later; it must not change.
func (b *Builder) SetObjects(o *api.Objects) { b.replace(o, nil) }

// Change is SetObjects for a caller who knows which objects differ from the set
// before: those that are new, other or gone. It looks at no other object, so it
// costs the same however many there are. To name one that did not change does
// no harm; to leave one out that did leaves what rests on it as it was, for a
// while. A kind that the Builder does not read is passed over.
func (b *Builder) Change(o *api.Objects, changed []api.Ref) {
	among := scope{}
	for _, ref := range changed {
		among[ref.Kind] = append(among[ref.Kind], ref.Key)
	}
	b.replace(o, among)
}

// scope holds, by kind, the keys of the objects that may have changed; nil
// stands for all.
type scope map[string][]api.Key

// replace takes a set of objects and marks what rests on those that changed.
// Rollouts come first, as they say which Services belong together.
func (b *Builder) replace(o *api.Objects, in scope) {
	if o == nil {
		o = &api.Objects{}
	}
	before := b.objects
	b.objects = o
	b.services.objects = o.Services
	b.setRollouts(in, before.Rollouts, o.Rollouts)
	diff(in, "Service", before.Services, o.Services, b.serviceChanged)
	diff(in, "EndpointSlice", before.EndpointSlices, o.EndpointSlices, b.sliceChanged)
	diff(in, "HTTPRoute", before.HTTPRoutes, o.HTTPRoutes, b.routeChanged)
	diff(in, "Gateway", before.Gateways, o.Gateways, func(key api.Key, _, _ *api.Gateway) { b.dirty.gateways[key] = true })
}

// diff calls changed for every object of a kind that is new, gone (now nil) or
// another one than before.
func diff[T any](in scope, kind string, before, now map[api.Key]*T, changed func(key api.Key, before, now *T)) {
	if in == nil {
		diffAll(before, now, changed)
		return
	}
	for _, key := range in[kind] {
		if before[key] != now[key] {
			changed(key, before[key], now[key])
		}
	}
}

func diffAll[T any](before, now map[api.Key]*T, changed func(key api.Key, before, now *T)) {
	if reflect.ValueOf(before).Pointer() == reflect.ValueOf(now).Pointer() {
		return
	}
	kept := 0
	for key, o := range now {
		old, there := before[key]
		if there {
			kept++
		}
		if old != o {
			changed(key, old, o)
		}
	}
	if kept == len(before) {
		return
	}
	for key, old := range before {
		if _, there := now[key]; !there {
			changed(key, old, nil)
		}
	}
}

// setRollouts reads anew which Services belong together, if any Rollout names
// others than before.
func (b *Builder) setRollouts(in scope, before, now map[api.Key]*api.Rollout) {
	same := true
	diff(in, "Rollout", before, now, func(_ api.Key, old, o *api.Rollout) {
		oldStable, oldCanary, oldOK := pair(old)
		stable, canary, ok := pair(o)
		same = same && ok == oldOK && (!ok || stable == oldStable && canary == oldCanary)
	})
	if same {
		return
	}
	old := b.services.stableOf
	b.services.stableOf, b.services.canaryOf = pairs(now)
	for _, m := range []map[Service]Service{old, b.services.stableOf} {
		for canary, stable := range m {
			if old[canary] != b.services.stableOf[canary] {
				b.compileAgain(canary)
				b.dirty.services[canary], b.dirty.services[stable] = true, true
			}
		}
	}
}

// serviceChanged marks what rests on a Service: its clusters always, routes
// only when a backendRef may resolve otherwise.
func (b *Builder) serviceChanged(key api.Key, before, now *api.Service) {
	b.endpointsChanged(key)
	if !samePorts(before, now) {
		b.compileAgain(key)
	}
}

// sliceChanged moves an EndpointSlice to the Service it now names.
func (b *Builder) sliceChanged(key api.Key, before, now *api.EndpointSlice) {
	if before != nil {
		if service, ok := api.SliceService(before); ok {
			remove(b.slices, service, key)
			b.endpointsChanged(service)
		}
	}
	if now != nil {
		if service, ok := api.SliceService(now); ok {
			if b.slices[service] == nil {
				b.slices[service] = map[api.Key]*api.EndpointSlice{}
			}
			b.slices[service][key] = now
			b.endpointsChanged(service)
		}
	}
}

// endpointsChanged marks the clusters of a Service and, where it is a canary
// Service, of the stable one.
func (b *Builder) endpointsChanged(service Service) {
	b.dirty.services[service] = true
	if stable, ok := b.services.stableOf[service]; ok {
		b.dirty.services[stable] = true
	}
}

// routeChanged marks an HTTPRoute and the Gateways that it names or named.
func (b *Builder) routeChanged(key api.Key, before, now *api.HTTPRoute) {
	b.dirty.routes[key] = true
	for gateway := range parents(before) {
		remove(b.routesOf, gateway, key)
		b.dirty.gateways[gateway] = true
	}
	for gateway := range parents(now) {
		add(b.routesOf, gateway, key)
		b.dirty.gateways[gateway] = true
	}
}

// compileAgain marks every HTTPRoute that names a Service.
func (b *Builder) compileAgain(service Service) {
	for key := range b.namedBy[service] {
		b.dirty.routes[key] = true
		for gateway := range parents(b.objects.HTTPRoutes[key]) {
			b.dirty.gateways[gateway] = true
		}
	}
}

// parents is the set of Gateways that a route names.
func parents(r *api.HTTPRoute) map[api.Key]bool {
	if r == nil {
		return nil
	}
	out := map[api.Key]bool{}
	for i := range r.Spec.ParentRefs {
		if key, ok := parent(api.KeyOf(r), &r.Spec.ParentRefs[i]); ok {
			out[key] = true
		}
	}
	return out
}

// add puts a member into the set under a key.
func add[K, V comparable](sets map[K]map[V]bool, key K, member V) {
	if sets[key] == nil {
		sets[key] = map[V]bool{}
	}
	sets[key][member] = true
}

// remove takes a member out of what is under a key, and the key with the last.
func remove[K, V comparable, T any](sets map[K]map[V]T, key K, member V) {
	delete(sets[key], member)
	if len(sets[key]) == 0 {
		delete(sets, key)
	}
}
