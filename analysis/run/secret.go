package run

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
)

// hidden stands where the value of a secret was.
const hidden = "*****"

// leastLine is from which length, in bytes, a line of a secret is hidden alone.
const leastLine = 8

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
	all := []string{
		secret,
		string(quoted[1 : len(quoted)-1]),
		strings.Trim(strconv.Quote(secret), `"`),
		url.QueryEscape(secret),
		url.PathEscape(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)),
	}
	// Of a key in lines each line is one; short ones are words of anywhere.
	for line := range strings.Lines(secret) {
		if line = strings.TrimSpace(line); len(line) >= leastLine {
			all = append(all, line)
		}
	}
	return all
}

// clean takes the secrets out of a result, and then cuts its texts: the part of
// a secret would not be known for one.
func (s Secrets) clean(r Result) Result {
	r.Value, r.Message = shorten(s.Hide(r.Value)), shorten(s.Hide(r.Message))
	r.Metadata, r.About = s.cleanAll(r.Metadata), s.cleanAll(r.About)
	return r
}

// cleanAll does the same with the values of a map.
func (s Secrets) cleanAll(m map[string]string) map[string]string {
	out := maps.Clone(m)
	for k, v := range out {
		out[k] = shorten(s.Hide(v))
	}
	return out
}

// shown is how much of a text is stored, in bytes.
const shown = 1000

// shorten leaves the middle out of a text that is too long to be stored: its
// beginning says what it is, and its end how it ended.
func shorten(text string) string {
	const head = shown / 4
	if len(text) <= shown {
		return text
	}
	cut := text[:head] + fmt.Sprintf(" ... (%d bytes) ... ", len(text)) + text[len(text)-(shown-head):]
	return strings.ToValidUTF8(cut, "")
}
