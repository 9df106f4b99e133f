package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/control"
)

// christmas is the end of a freeze.
var christmas = time.Date(2026, 12, 27, 8, 0, 0, 0, time.UTC)

// TestFreezeAll proves that a freeze of all Rollouts reaches the control as
// such, and that it is refused as any action is.
func TestFreezeAll(t *testing.T) {
	for _, verb := range []string{"freeze", "unfreeze"} {
		f := &fake{}
		w := ask(f, request(t, "POST", "/api/v1/"+verb, `{"reason":"holidays"}`, "Serin-Actor: ann@laptop"))
		want := []api.Action{{Verb: verb, Reason: "holidays", Actor: "ann@laptop"}}
		if diff := cmp.Diff(want, f.acted); diff != "" || w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != fmt.Sprintf(`{"frozen":%v}`, verb == "freeze") {
			t.Errorf("%s: got %d %s, -want +got:\n%s", verb, w.Code, w.Body, diff)
		}
		f = &fake{err: fmt.Errorf("%w: so it is", control.ErrNotApplicable)}
		if p := problem(t, ask(f, request(t, "POST", "/api/v1/"+verb, "{}"))); p.Status != http.StatusConflict {
			t.Errorf("%s: got %+v", verb, p)
		}
		if p := problem(t, ask(&fake{}, request(t, "POST", "/api/v1/"+verb, `{"to":"v1"}`))); p.Status != http.StatusBadRequest {
			t.Errorf("%s: got %+v", verb, p)
		}
	}
	if p := problem(t, ask(&fake{}, request(t, "POST", "/api/v1/unfreeze", `{"until":"2026-12-27T08:00:00Z"}`))); p.Status != http.StatusBadRequest {
		t.Errorf("until of unfreeze: got %+v", p)
	}
}

// TestAction proves that each verb reaches the control with what was said.
func TestAction(t *testing.T) {
	tests := []struct {
		verb, query, body string
		key               string
		want              api.Action
	}{
		{"promote", "", `{"full":true,"reason":"hotfix"}`, "default/shop", api.Action{Full: true, Reason: "hotfix"}},
		{"promote", "", ``, "default/shop", api.Action{}},
		{"pause", "", `{}`, "default/shop", api.Action{}},
		{"resume", "", "  \n", "default/shop", api.Action{}},
		{"abort", "?namespace=prod", `{"reason":"bad"}`, "prod/shop", api.Action{Reason: "bad"}},
		{"retry", "?namespace=default", `{"full":false,"to":""}`, "default/shop", api.Action{}},
		{"rollback", "", `{"to":"v0"}`, "default/shop", api.Action{To: "v0"}},
		{"freeze", "", `{"until":"2026-12-27T08:00:00Z"}`, "default/shop", api.Action{Until: &christmas}},
		{"unfreeze", "", ``, "default/shop", api.Action{}},
	}
	for _, tt := range tests {
		t.Run(tt.verb+tt.body, func(t *testing.T) {
			f := &fake{rollouts: []*api.Rollout{shop("default"), shop("prod")}}
			path := "/api/v1/rollouts/shop/" + tt.verb + tt.query
			w := ask(f, request(t, "POST", path, tt.body, "Serin-Actor: ann@laptop"))
			if w.Code != http.StatusOK {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			want := tt.want
			want.Verb, want.Actor = tt.verb, "ann@laptop"
			if diff := cmp.Diff([]api.Action{want}, f.acted); diff != "" || f.actKey.String() != tt.key {
				t.Errorf("key %s, -want +got:\n%s", f.actKey, diff)
			}
			var r api.Rollout
			if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || r.Status.Phase != api.PhasePaused {
				t.Errorf("the answer is no Rollout: %s", w.Body)
			}
		})
	}
}

// TestActionRefused proves that what is wrong with a request is told, and that
// the control never hears of it.
func TestActionRefused(t *testing.T) {
	tests := []struct {
		name, verb, body string
		header           string
		status           int
		detail           string
	}{
		{"no content type", "abort", "", "Content-Type: ", 415, "application/json"},
		{"a form", "abort", "reason=x", "Content-Type: application/x-www-form-urlencoded", 415, "application/json"},
		{"text", "abort", "{}", "Content-Type: text/plain", 415, "application/json"},
		{"broken content type", "abort", "{}", "Content-Type: ;", 415, "application/json"},
		{"no JSON", "abort", "abort!", "", 400, "invalid character"},
		{"half of it", "abort", `{"reason":`, "", 400, "unexpected EOF"},
		{"a list", "abort", `[]`, "", 400, "cannot unmarshal"},
		{"a wrong type", "promote", `{"full":"yes"}`, "", 400, "full"},
		{"an unknown field", "abort", `{"force":true}`, "", 400, `"force"`},
		{"two values", "abort", `{} {}`, "", 400, "more after it"},
		{"full elsewhere", "abort", `{"full":true}`, "", 400, "promote only"},
		{"to elsewhere", "promote", `{"to":"v1"}`, "", 400, "rollback only"},
		{"too large", "abort", `{"reason":"` + strings.Repeat("a", 17<<10) + `"}`, "", 413, "16384 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{rollouts: []*api.Rollout{shop("default")}}
			var fields []string
			if tt.header != "" {
				fields = append(fields, tt.header)
			}
			w := ask(f, request(t, "POST", "/api/v1/rollouts/shop/"+tt.verb, tt.body, fields...))
			if p := problem(t, w); p.Status != tt.status || !strings.Contains(p.Detail, tt.detail) {
				t.Errorf("got %+v", p)
			}
			if len(f.acted) > 0 {
				t.Errorf("the control was asked for %+v", f.acted)
			}
		})
	}
}

// TestActionFails proves that the control's refusals keep their meaning.
func TestActionFails(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status int
	}{
		{"does not apply", fmt.Errorf("%w: pause: no canary is under way", control.ErrNotApplicable), 409},
		{"not there", fmt.Errorf("%w: default/shop", control.ErrNotFound), 404},
		{"the store", fmt.Errorf("writing the data file: no space left"), 500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{rollouts: []*api.Rollout{shop("default")}, err: tt.err}
			w := ask(f, request(t, "POST", "/api/v1/rollouts/shop/pause", ""))
			if p := problem(t, w); p.Status != tt.status || p.Detail != tt.err.Error() {
				t.Errorf("got %+v", p)
			}
		})
	}
}

// TestActionStopped proves that a control that ended is not taken for one that
// refused.
func TestActionStopped(t *testing.T) {
	f := &fake{rollouts: []*api.Rollout{shop("default")}}
	r := request(t, "POST", "/api/v1/rollouts/shop/pause", "")
	f.err = fmt.Errorf("asking the loop: %w", errCanceled)
	if p := problem(t, ask(f, r)); p.Status != 503 {
		t.Errorf("got %+v", p)
	}
}

// FuzzAction proves that no body makes the server fail, and that only bodies
// that are JSON objects or empty are taken.
func FuzzAction(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"reason":"x","full":true,"to":"v1"}`, "null", "[", `{"a":1}`, "\x00", "{}{}"} {
		f.Add("promote", seed)
	}
	f.Fuzz(func(t *testing.T, verb, body string) {
		if verb != "rollback" {
			verb = "promote"
		}
		control := &fake{rollouts: []*api.Rollout{shop("default")}}
		w := ask(control, request(t, "POST", "/api/v1/rollouts/shop/"+verb, body))
		text := strings.TrimSpace(body)
		object := text == "" || text == "null" || strings.HasPrefix(text, "{") && json.Valid([]byte(text))
		switch {
		case w.Code == 200 && !object:
			t.Errorf("taken: %q", body)
		case w.Code != 200 && w.Code != 400 && w.Code != 413:
			t.Errorf("got %d for %q", w.Code, body)
		case (w.Code == 200) != (len(control.acted) == 1):
			t.Errorf("got %d with %d actions", w.Code, len(control.acted))
		}
	})
}
