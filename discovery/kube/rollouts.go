package kube

import (
	"maps"
	"reflect"
	"slices"

	"github.com/serin-mesh/serin/api"
)

// settleRollouts brings Rollouts in line, and those that want their Services.
func (m *model) settleRollouts(keys []api.Key) {
	again := map[api.Key]bool{}
	for _, key := range keys {
		for _, service := range m.renew(key) {
			maps.Copy(again, m.claims[service])
		}
		again[key] = true
	}
	for _, key := range slices.SortedFunc(maps.Keys(again), api.Key.Compare) {
		m.decide(key)
	}
}

// renew makes the newest form of a Rollout, and gives the Services that it
// wants now or wanted before.
func (m *model) renew(key api.Key) []api.Key {
	e := m.entries[api.Ref{Kind: kindRollout, Key: key}]
	before := servicesOf(e.claim)
	i := e.item()
	var newest *api.Rollout
	if i != nil {
		newest, _ = i.doc.Object.(*api.Rollout)
	}
	newest = m.withTemplate(key, e, newest)
	held, _ := e.accepted.(*api.Rollout)
	m.unclaim(key, e)
	if e.newest, e.claim = newest, newest; newest == nil && i != nil {
		e.claim = held
	}
	now := servicesOf(e.claim)
	for _, service := range now {
		if m.claims[service] == nil {
			m.claims[service] = map[api.Key]bool{}
		}
		m.claims[service][key] = true
	}
	return slices.Concat(before, now, servicesOf(held))
}

// decide accepts the newest form of a Rollout, or keeps the one before.
func (m *model) decide(key api.Key) {
	ref := api.Ref{Kind: kindRollout, Key: key}
	e := m.entries[ref]
	if e == nil {
		return
	}
	i := e.item()
	if i == nil {
		m.leave(key, e)
		m.forget(ref)
		return
	}
	found := slices.Clip(e.findings())
	held, _ := e.accepted.(*api.Rollout)
	found = append(found, m.missing(i, e)...)
	object := e.newest
	if lost, winner := m.lost(key, e.newest); object != nil && winner != (api.Key{}) {
		found = append(found, shared(i.doc, e.newest, lost, winner))
		object = nil
	}
	if _, winner := m.lost(key, held); object == nil && winner == (api.Key{}) {
		object = held
	}
	m.find(ref, found)
	if object == nil {
		if e.accepted = nil; e.newest == nil {
			m.unclaim(key, e)
		}
		m.set.drop(ref)
	} else {
		m.accept(ref, e, object)
	}
	m.relate(i.doc, e)
}

// withRevision gives a Rollout its version, and keeps the pointer of an equal
// one from before.
func withRevision(r *api.Rollout, collisions *int32, before *api.Rollout) (*api.Rollout, error) {
	hash, err := api.PodTemplateHash(r.Spec.Template, collisions)
	if err != nil {
		return nil, err
	}
	if r = r.WithRevision(hash); reflect.DeepEqual(r, before) {
		return before, nil
	}
	return r, nil
}
