package provider

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/serin-mesh/serin/api"
)

const (
	// mostRead is how much of an answer is read, in bytes.
	mostRead = 16 << 20
	// dialTimeout and tlsTimeout bound the parts of connecting, within the
	// metric's own timeout.
	dialTimeout = 10 * time.Second
	tlsTimeout  = 10 * time.Second
	// idleTimeout is how long a connection waits for the next measurement.
	idleTimeout = 90 * time.Second
	idlePerHost = 8
)

// errTooLarge says that an answer was given up.
var errTooLarge = fmt.Errorf("the answer is larger than %d MB", mostRead>>20)

// clients make HTTP clients over shared connections.
type clients struct {
	secure, insecure http.RoundTripper
}

// newClients makes clients over the transport that checks certificates and the
// one that does not.
func newClients(secure, insecure http.RoundTripper) *clients {
	return &clients{&limited{secure}, &limited{insecure}}
}

// newTransport makes a transport.
func newTransport(insecure bool) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout: tlsTimeout,
		// Metrics can ask for it by name: Argo's `insecure`.
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: insecure},
		ForceAttemptHTTP2:   true,
		IdleConnTimeout:     idleTimeout,
		MaxIdleConnsPerHost: idlePerHost,
	}
}

func (c *clients) close() {
	(&http.Client{Transport: c.secure}).CloseIdleConnections()
	(&http.Client{Transport: c.insecure}).CloseIdleConnections()
}

// client makes the client for one measurement, which gets a token first where
// the metric asks for one.
func (c *clients) client(ctx context.Context, insecure bool, auth *api.Authentication) (*http.Client, error) {
	client := &http.Client{Transport: c.secure}
	if insecure {
		client.Transport = c.insecure
	}
	switch {
	case auth == nil:
		return client, nil
	case auth.Sigv4 != nil && *auth.Sigv4 != (api.Sigv4{}):
		return nil, errors.New("authentication.sigv4 is not supported: put a proxy that signs in front")
	case auth.OAuth2 == nil || auth.OAuth2.TokenURL == "":
		return client, nil
	case auth.OAuth2.ClientID == "" || auth.OAuth2.ClientSecret == "":
		return nil, errors.New("authentication.oauth2 needs clientId and clientSecret")
	}
	credentials := clientcredentials.Config{
		ClientID:     auth.OAuth2.ClientID,
		ClientSecret: auth.OAuth2.ClientSecret,
		TokenURL:     auth.OAuth2.TokenURL,
		Scopes:       auth.OAuth2.Scopes,
	}
	return credentials.Client(context.WithValue(ctx, oauth2.HTTPClient, client)), nil
}

// setHeaders sets a metric's headers on a request.
func setHeaders(r *http.Request, headers []api.WebHeader) {
	for _, h := range headers {
		if http.CanonicalHeaderKey(h.Key) == "Host" {
			r.Host = h.Value // the field of http.Request counts, not the header
			continue
		}
		r.Header.Set(h.Key, h.Value)
	}
}

// limited bounds the answers of a transport.
type limited struct {
	next http.RoundTripper
}

// RoundTrip answers a request. Source: http.RoundTripper.
func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &limitedBody{resp.Body, mostRead}
	return resp, nil
}

// CloseIdleConnections closes those of the transport below. Source: http.Client.
func (l *limited) CloseIdleConnections() {
	(&http.Client{Transport: l.next}).CloseIdleConnections()
}

// limitedBody is an answer that fails where it is too large.
type limitedBody struct {
	io.ReadCloser
	left int
}

// Read reads on. Source: io.Reader.
func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// ask sends a request and gives the body of a 2xx.
func ask(client *http.Client, r *http.Request) ([]byte, error) {
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, fmt.Errorf("the answer to %s %s is %s", r.Method, r.URL.Redacted(), resp.Status)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return body, nil
}
