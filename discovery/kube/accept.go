package kube

import (
	"reflect"
	"slices"

	"github.com/serin-mesh/serin/api"
)

// settleObject accepts an object, or keeps the one accepted before.
func (m *model) settleObject(ref api.Ref) {
	e := m.entries[ref]
	i := e.item()
	if i == nil {
		m.forget(ref)
		return
	}
	m.find(ref, e.findings())
	if i.doc.Object != nil {
		m.accept(ref, e, i.doc.Object)
		i.doc.Object = e.accepted // an equal one is kept once
	}
	m.relate(i.doc, e)
}

// accept has an object in the set, unless an equal one is.
func (m *model) accept(ref api.Ref, e *entry, object any) {
	if reflect.DeepEqual(e.accepted, object) {
		return
	}
	e.accepted = object
	m.set.put(ref.Key, object)
}

// relate has the relations of an object looked at, as it is in the set.
func (m *model) relate(d api.Document, e *entry) {
	d.Object = e.accepted
	m.relations.Set(d)
}

// forget takes an object out of everything.
func (m *model) forget(ref api.Ref) {
	delete(m.entries, ref)
	m.set.drop(ref)
	m.relations.Remove(ref)
	m.find(ref, nil)
}

// findings gives what is wrong with the object by itself.
func (e *entry) findings() []api.Finding {
	out := e.item().findings
	if e.own != nil && e.adopted != nil {
		d := e.adopted.doc
		out = append(slices.Clip(out), api.Finding{
			File: d.File, Code: api.CodeTwice, Path: "metadata.name", Kind: d.Kind, Key: d.Key,
			Message: d.Kind + " " + d.Key.String() + " is already there as " + e.own.doc.File + ", which counts; remove one of them",
		})
	}
	return out
}

// find notes what is wrong with an object by itself.
func (m *model) find(ref api.Ref, found []api.Finding) {
	if slices.Equal(m.findings[ref], found) {
		return
	}
	m.stale = true
	if len(found) == 0 {
		delete(m.findings, ref)
	} else {
		m.findings[ref] = found
	}
}
