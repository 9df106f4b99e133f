package run

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"strings"
)

// hidden stands where the value of a secret was.
const hidden = "*****"

// Secrets are values that must not be stored or shown.
type Secrets []string

// Hide takes the secrets out of a text, also in the forms that they have in a
// URL, in JSON and in basic authentication.
func (s Secrets) Hide(text string) string {
	for _, secret := range s {
		for _, form := range forms(secret) {
			if form != "" {
				text = strings.ReplaceAll(text, form, hidden)
			}
		}
	}
	return text
}

// forms gives how a secret may be written.
func forms(secret string) []string {
	// Encoding a string cannot fail.
	quoted, _ := json.Marshal(secret)
	return []string{
		secret,
		string(quoted[1 : len(quoted)-1]),
		url.QueryEscape(secret),
		url.PathEscape(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)),
	}
}

// hide takes the secrets out of a result.
func (s Secrets) hide(r Result) Result {
	if len(s) == 0 {
		return r
	}
	r.Value, r.Message = s.Hide(r.Value), s.Hide(r.Message)
	r.Metadata, r.About = s.hideAll(r.Metadata), s.hideAll(r.About)
	return r
}

// hideAll takes the secrets out of the values of a map.
func (s Secrets) hideAll(m map[string]string) map[string]string {
	out := maps.Clone(m)
	for k, v := range out {
		out[k] = s.Hide(v)
	}
	return out
}
