package kube

import (
	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/discovery"
)

// result gives the next set, and whether it says anything new.
func (m *model) result() (discovery.Result, bool) {
	news := m.set.last == nil || m.stale
	if m.stale {
		m.flat, m.stale = m.list(), false
	}
	r := m.set.commit()
	r.Findings = m.flat
	return r, news || len(r.Changed)+len(r.Removed) > 0
}

// list gives all findings, sorted.
func (m *model) list() []api.Finding {
	var out []api.Finding
	for _, found := range m.findings {
		out = append(out, found...)
	}
	out = append(out, m.relations.All()...)
	api.SortFindings(out)
	return out
}
