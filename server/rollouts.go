package server

import (
	"net/http"

	"github.com/serin-mesh/serin/api"
)

// allNamespaces is the value of ?namespace= that means every one.
const allNamespaces = "*"

// Items is the body of an answer that lists.
type Items[T any] struct {
	Items []T `json:"items"`
}

// Fleet is the body of GET /api/v1/fleet.
type Fleet struct {
	Envoys []api.Envoy `json:"envoys"`
}

// rollouts lists the Rollouts of a namespace.
func (s *Server) rollouts(w http.ResponseWriter, r *http.Request) error {
	list, err := s.control.Rollouts(r.Context(), selected(r))
	if err != nil {
		return err
	}
	s.reply(w, r, items(list))
	return nil
}

// rollout gives one Rollout.
func (s *Server) rollout(w http.ResponseWriter, r *http.Request) error {
	key, err := keyOf(r)
	if err != nil {
		return err
	}
	one, err := s.control.Rollout(r.Context(), key)
	if err != nil {
		return err
	}
	s.reply(w, r, one)
	return nil
}

// history gives the journal of a Rollout, the oldest entry first.
func (s *Server) history(w http.ResponseWriter, r *http.Request) error {
	key, err := keyOf(r)
	if err != nil {
		return err
	}
	entries, err := s.control.History(r.Context(), key)
	if err != nil {
		return err
	}
	s.reply(w, r, items(entries))
	return nil
}

// fleet gives every Envoy.
func (s *Server) fleet(w http.ResponseWriter, r *http.Request) error {
	envoys := s.control.Envoys()
	if envoys == nil {
		envoys = []api.Envoy{}
	}
	s.reply(w, r, Fleet{Envoys: envoys})
	return nil
}

// items wraps a list so that an empty one is [] and not null.
func items[T any](list []T) Items[T] {
	if list == nil {
		list = []T{}
	}
	return Items[T]{Items: list}
}

// selected is the namespace that a request is about, empty for all.
func selected(r *http.Request) string {
	switch ns := r.URL.Query().Get("namespace"); ns {
	case "":
		return api.DefaultNamespace
	case allNamespaces:
		return ""
	default:
		return ns
	}
}

// keyOf is the Rollout that a request is about.
func keyOf(r *http.Request) (api.Key, error) {
	ns := selected(r)
	if ns == "" {
		return api.Key{}, refuse(http.StatusBadRequest, "a Rollout is in one namespace; name it instead of %s", allNamespaces)
	}
	return api.Key{Namespace: ns, Name: r.PathValue("name")}, nil
}
