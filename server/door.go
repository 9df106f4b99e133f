package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
)

// ActorHeader is the header in which a client without a token says who acts, as
// USER@HOST. It proves nothing: the journal marks it as unverified.
const ActorHeader = "Serin-Actor"

// maxActor bounds the name that a client gives itself, in bytes.
const maxActor = 200

// door decides who comes in.
type door struct {
	tokens   Tokens
	loopback bool // only this machine can reach the listener
	origins  *http.CrossOriginProtection
}

// actor is who asks for an action.
type actor struct {
	name     string
	verified bool // by a token
}

// read guards an endpoint that only reads. A page whose name was rebound to
// this machine's address reaches the listener, but under its own name.
func (d door) read(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if _, ok := d.tokens.holder(r); !ok {
			if err := d.checkHost(r); err != nil {
				return err
			}
		}
		return h(w, r)
	}
}

// act says who sent an action, or why it is refused.
func (d door) act(r *http.Request) (actor, error) {
	if err := d.origins.Check(r); err != nil {
		return actor{}, refuse(http.StatusForbidden, "actions are not taken from a page of another origin")
	}
	if name, ok := d.tokens.holder(r); ok {
		return actor{name: name, verified: true}, nil
	}
	switch {
	case len(d.tokens) > 0:
		return actor{}, refuse(http.StatusUnauthorized,
			"actions need a token of the server's --token-file; give it with --token, SERIN_TOKEN or Authorization: Bearer")
	case !d.loopback:
		return actor{}, refuse(http.StatusForbidden,
			"other machines can reach this address, so actions need a token; start serin serve with --token-file, or listen on 127.0.0.1")
	}
	if err := d.checkHost(r); err != nil {
		return actor{}, err
	}
	return actor{name: claimedActor(r)}, nil
}

// checkHost refuses a request to this machine under a foreign name.
func (d door) checkHost(r *http.Request) error {
	if !d.loopback || isLoopback(r.Host) {
		return nil
	}
	return refuse(http.StatusForbidden,
		"this address answers only as localhost, 127.0.0.1 or [::1], not as %q; use one of these, or a token", r.Host)
}

// claimedActor is who the client says acts, else the address that it has.
func claimedActor(r *http.Request) string {
	name := strings.TrimSpace(r.Header.Get(ActorHeader))
	printable := !strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) })
	if name != "" && len(name) <= maxActor && printable {
		return name
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// isLoopback says whether HOST, HOST:PORT or [HOST]:PORT is this machine.
func isLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
