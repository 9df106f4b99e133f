package server

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/serin-mesh/serin/api"
)

// maxBody bounds the body of an action, in bytes.
const maxBody = 16 << 10

// ActionBody is the body of an action. Every field may be absent, and so may
// the body.
type ActionBody struct {
	Reason string `json:"reason,omitempty"` // kept in the journal
	Full   bool   `json:"full,omitempty"`   // promote: skip the rest of the steps
	To     string `json:"to,omitempty"`     // rollback: the version to go to
	// Until is when a freeze ends by itself, RFC 3339; absent: with unfreeze.
	Until *time.Time `json:"until,omitempty"`
}

// action is the endpoint of one verb. It answers with the Rollout as it is then.
func (s *Server) action(verb string, d door) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := d.actionOf(w, r, verb)
		if err != nil {
			return err
		}
		key, err := keyOf(r)
		if err != nil {
			return err
		}
		after, err := s.control.Act(r.Context(), key, a)
		if err != nil {
			return err
		}
		s.reply(w, r, after)
		return nil
	}
}

// actionOf reads who asks for what.
func (d door) actionOf(w http.ResponseWriter, r *http.Request, verb string) (api.Action, error) {
	who, err := d.act(r)
	if err != nil {
		return api.Action{}, err
	}
	body, err := readAction(w, r, verb)
	if err != nil {
		return api.Action{}, err
	}
	return api.Action{
		Verb: verb, Full: body.Full, To: body.To, Until: body.Until, Reason: body.Reason,
		Actor: who.name, Verified: who.verified,
	}, nil
}

// Frozen says whether all Rollouts are frozen after an action.
type Frozen struct {
	Frozen bool       `json:"frozen"`
	Until  *time.Time `json:"until,omitempty"`
}

// freezeAll is the endpoint that freezes all Rollouts, or ends that.
func (s *Server) freezeAll(verb string, d door) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := d.actionOf(w, r, verb)
		if err != nil {
			return err
		}
		if err := s.control.FreezeAll(r.Context(), a); err != nil {
			return err
		}
		s.reply(w, r, Frozen{Frozen: verb == "freeze", Until: a.Until})
		return nil
	}
}

// readAction reads the body of an action. The media type is asked for because a
// form of a foreign page cannot have it.
func readAction(w http.ResponseWriter, r *http.Request, verb string) (ActionBody, error) {
	var body ActionBody
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return body, refuse(http.StatusUnsupportedMediaType, "an action needs the header Content-Type: application/json")
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return body, refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	case err != nil:
		return body, refuse(http.StatusBadRequest, "the body cannot be read: %s", err)
	}
	if err := decodeAction(string(data), &body); err != nil {
		return body, refuse(http.StatusBadRequest, "the body is not an action: %s; "+
			`want {"reason": TEXT, "full": BOOL, "to": VERSION, "until": TIME}, all optional`, err)
	}
	return body, body.fits(verb)
}

// decodeAction takes one JSON object with known fields, or nothing.
func decodeAction(text string, body *ActionBody) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(body); err != nil {
		if errors.Is(err, io.EOF) {
			return nil // nothing but space
		}
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after it")
	}
	return nil
}

// fits refuses what the verb would not heed.
func (b ActionBody) fits(verb string) error {
	switch {
	case b.Full && verb != "promote":
		return refuse(http.StatusBadRequest, `"full" is for promote only`)
	case b.To != "" && verb != "rollback":
		return refuse(http.StatusBadRequest, `"to" is for rollback only`)
	case b.Until != nil && verb != "freeze":
		return refuse(http.StatusBadRequest, `"until" is for freeze only`)
	}
	return nil
}
