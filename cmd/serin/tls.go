package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"

	"github.com/serin-mesh/serin/relay"
)

// tlsFiles name what the xDS listener proves itself with, and by whom its
// clients must be vouched for. All three or none are given.
type tlsFiles struct{ Cert, Key, CA string }

// identity is what a server proves itself with to Envoys and to other servers, and
// what it takes from them: the settings of a connection, as the files are now.
type identity = renewable[*tls.Config]

// read gives the identity, nil without files; what cannot be read at the start is an
// error.
func (f tlsFiles) read(log *slog.Logger) (*identity, error) {
	if f == (tlsFiles{}) {
		return nil, nil
	}
	if f.Cert == "" || f.Key == "" || f.CA == "" {
		return nil, errors.New("give --xds-tls-cert, --xds-tls-key and --xds-tls-ca together: Envoys are served by mutual TLS or without any")
	}
	return renew("the xDS listener", log, f.parse, f.Cert, f.Key, f.CA)
}

// parse makes the settings of a connection.
func (f tlsFiles) parse(texts [][]byte) (*tls.Config, error) {
	cert, err := tls.X509KeyPair(texts[0], texts[1])
	if err != nil {
		return nil, fmt.Errorf("reading --xds-tls-cert %q and --xds-tls-key %q: %w", f.Cert, f.Key, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(texts[2]) {
		return nil, fmt.Errorf("reading --xds-tls-ca %q: there is no PEM certificate in it", f.CA)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2"},
		Certificates: []tls.Certificate{cert},
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
	}, nil
}

// toEnvoys gives the settings of the xDS listener, nil without an identity. Each
// connection has those of its time, so that certificates can be renewed while
// Envoys are connected.
func toEnvoys(id *identity) *tls.Config {
	if id == nil {
		return nil
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"h2"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return id.now(), nil },
	}
}

// toPeers gives what servers prove themselves to each other with, nil without an
// identity.
func toPeers(id *identity) *relay.Secure {
	if id == nil {
		return nil
	}
	return &relay.Secure{Own: func() (*tls.Certificate, *x509.CertPool, error) {
		config := id.now()
		return &config.Certificates[0], config.ClientCAs, nil
	}}
}
