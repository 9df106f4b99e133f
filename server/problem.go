package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/serin-mesh/serin/control"
)

// Problem is the body of every answer that is not a success. Source: RFC 9457.
// Type is about:blank, so Title is the text of the status; Detail says what is
// wrong and what to do about it.
type Problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"` // path of the request
}

// ProblemType is the media type of a Problem. Source: RFC 9457, section 3.
const ProblemType = "application/problem+json"

// Error gives the detail.
func (p *Problem) Error() string { return p.Detail }

// refuse makes the problem of a status.
func refuse(status int, format string, args ...any) *Problem {
	return &Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: fmt.Sprintf(format, args...),
	}
}

// problemOf finds the problem that an error is.
func problemOf(err error) *Problem {
	var p *Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, control.ErrNotFound), errors.Is(err, control.ErrNoRelease):
		return refuse(http.StatusNotFound, "%s", err)
	case errors.Is(err, control.ErrNotApplicable):
		return refuse(http.StatusConflict, "%s", err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return refuse(http.StatusServiceUnavailable, "the server is stopping or did not answer in time; try again")
	}
	return refuse(http.StatusInternalServerError, "%s", err)
}

// fail answers with the problem that an error is.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := *problemOf(err)
	p.Instance = r.URL.Path
	if p.Status >= http.StatusInternalServerError {
		s.log.Error("an HTTP request failed", "method", r.Method, "path", r.URL.Path, "status", p.Status, "error", err)
	}
	p.write(w)
}

// Refuse answers a request with the problem of a status, for handlers beside a
// Server's.
func Refuse(w http.ResponseWriter, r *http.Request, status int, detail string) {
	p := refuse(status, "%s", detail)
	p.Instance = r.URL.Path
	p.write(w)
}

// write sends the problem.
func (p *Problem) write(w http.ResponseWriter) {
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="serin"`)
	}
	w.Header().Set("Content-Type", ProblemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // a client that went away is nobody to tell
}

// reply answers with a value as JSON. The value is encoded before the status is
// sent, so that one that cannot be is a problem and not half an answer.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		s.fail(w, r, fmt.Errorf("encoding the answer: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(data, '\n')) // a client that went away is nobody to tell
}
