package server

import "net/http"

// releases lists the Releases of a namespace.
func (s *Server) releases(w http.ResponseWriter, r *http.Request) error {
	list, err := s.control.Releases(r.Context(), selected(r))
	if err != nil {
		return err
	}
	s.reply(w, r, items(list))
	return nil
}

// release gives one Release.
func (s *Server) release(w http.ResponseWriter, r *http.Request) error {
	key, err := keyOf(r)
	if err != nil {
		return err
	}
	one, err := s.control.Release(r.Context(), key)
	if err != nil {
		return err
	}
	s.reply(w, r, one)
	return nil
}

// releaseAction is the endpoint of one verb for all Rollouts of a Release. It
// answers with the Release as it is then.
func (s *Server) releaseAction(verb string, d door) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := d.actionOf(w, r, verb)
		if err != nil {
			return err
		}
		key, err := keyOf(r)
		if err != nil {
			return err
		}
		after, err := s.control.ActRelease(r.Context(), key, a)
		if err != nil {
			return err
		}
		s.reply(w, r, after)
		return nil
	}
}
