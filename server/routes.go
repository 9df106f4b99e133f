package server

import (
	"io"
	"net/http"
)

// verbs are the actions, as in the paths.
var verbs = []string{"promote", "pause", "resume", "abort", "retry", "rollback", "freeze", "unfreeze"}

// handler is one endpoint: it answers, or says why not.
type handler func(w http.ResponseWriter, r *http.Request) error

// Handler gives the server's endpoints. The argument says whether only this
// machine can reach them: then it may act without a token.
func (s *Server) Handler(loopback bool) http.Handler {
	mux := http.NewServeMux()
	add := func(pattern string, h handler) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				s.fail(w, r, err)
			}
		})
	}
	door := door{tokens: s.tokens, loopback: loopback, origins: s.origins}
	add("GET /api/v1/rollouts", door.read(s.rollouts))
	add("GET /api/v1/rollouts/{name}", door.read(s.rollout))
	add("GET /api/v1/rollouts/{name}/history", door.read(s.history))
	add("GET /api/v1/rollouts/{name}/explain", door.read(s.explain))
	add("GET /api/v1/rollouts/{name}/analysisruns", door.read(s.analysisRuns))
	add("GET /api/v1/fleet", door.read(s.fleet))
	add("GET /api/v1/events", door.read(s.events))
	for _, verb := range verbs {
		add("POST /api/v1/rollouts/{name}/"+verb, s.action(verb, door))
	}
	add("GET /api/v1/releases", door.read(s.releases))
	add("GET /api/v1/releases/{name}", door.read(s.release))
	for _, verb := range verbs {
		add("POST /api/v1/releases/{name}/"+verb, s.releaseAction(verb, door))
	}
	for _, verb := range []string{"freeze", "unfreeze"} {
		add("POST /api/v1/"+verb, s.freezeAll(verb, door))
	}
	add("GET /healthz", s.healthz)
	add("GET /readyz", s.readyz)
	add("GET /{$}", index)
	mux.Handle("GET /metrics", s.metrics)
	return s.outer(mux)
}

// outer answers what no endpoint does, with a problem, and sets the headers
// that keep browsers from guessing and from storing.
func (s *Server) outer(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		miss := &missed{header: http.Header{}}
		h.ServeHTTP(miss, r)
		if allow := miss.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			s.fail(w, r, refuse(http.StatusMethodNotAllowed, "%s is not for %s; use %s", r.URL.Path, r.Method, allow))
			return
		}
		s.fail(w, r, refuse(http.StatusNotFound, "there is nothing at %s; GET / lists what there is", r.URL.Path))
	})
}

// missed takes the plain answer of a mux that has no endpoint for a request:
// only its headers tell which methods the path has.
type missed struct{ header http.Header }

func (m *missed) Header() http.Header         { return m.header }
func (m *missed) Write(p []byte) (int, error) { return len(p), nil }
func (m *missed) WriteHeader(int)             {}

// healthz answers as long as the program runs.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	return plain(w, "ok\n")
}

// readyz answers once the state is loaded and the listeners accept.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) error {
	if err := s.ready(); err != nil {
		return refuse(http.StatusServiceUnavailable, "%s", err)
	}
	return plain(w, "ok\n")
}

// plain answers with text.
func plain(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text) // a client that went away is nobody to tell
	return nil
}
