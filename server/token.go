package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
)

// Tokens are the secrets that may act, by the name of who holds them. Only
// their hashes are kept.
type Tokens []token

type token struct {
	name string
	hash [sha256.Size]byte
}

// singleToken is the name of a token that stands alone in its file.
const singleToken = "token"

// ParseTokens reads a token file: a line NAME:TOKEN for each, or one line with a
// token alone, whose holder is then called "token". Empty lines and lines that
// begin with # are passed over. An error names the line.
func ParseTokens(text string) (Tokens, error) {
	var out Tokens
	names := map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, secret, named := strings.Cut(line, ":")
		if !named {
			name, secret = singleToken, line
		}
		name, secret = strings.TrimSpace(name), strings.TrimSpace(secret)
		switch {
		case name == "" || secret == "":
			return nil, fmt.Errorf("line %d: want NAME:TOKEN, both not empty", i+1)
		case names[name]:
			return nil, fmt.Errorf("line %d: the name %q has a token already; give each its own name", i+1, name)
		}
		names[name] = true
		out = append(out, token{name: name, hash: sha256.Sum256([]byte(secret))})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no token found; write a line NAME:TOKEN")
	}
	return out, nil
}

// holder finds who sent a request by its bearer token. How long that takes does
// not depend on how much of a token was right.
func (t Tokens) holder(r *http.Request) (name string, ok bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	hash := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	for _, known := range t {
		if subtle.ConstantTimeCompare(hash[:], known.hash[:]) == 1 {
			name, ok = known.name, true
		}
	}
	return name, ok
}
