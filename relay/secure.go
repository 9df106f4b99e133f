package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"google.golang.org/grpc/credentials"
	grpcpeer "google.golang.org/grpc/peer"
)

// Secure says how processes prove themselves to each other.
type Secure struct {
	// Own gives the certificate of this process, and the authority of its peers,
	// as they are now.
	Own func() (*tls.Certificate, *x509.CertPool, error)
}

// name is what a peer's certificate must be good for: the first DNS name of this
// process's own.
func (s *Secure) name() (string, *tls.Certificate, *x509.CertPool, error) {
	cert, pool, err := s.Own()
	if err != nil {
		return "", nil, nil, err
	}
	leaf := cert.Leaf
	if leaf == nil {
		if leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return "", nil, nil, fmt.Errorf("reading the own certificate: %w", err)
		}
	}
	if len(leaf.DNSNames) == 0 {
		return "", nil, nil, errors.New("the certificate of the servers has no DNS name by which they know each other")
	}
	return leaf.DNSNames[0], cert, pool, nil
}

// credentials are those of a connection to a leader.
func (s *Secure) credentials() (credentials.TransportCredentials, error) {
	name, cert, pool, err := s.name()
	if err != nil {
		return nil, err
	}
	return credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12, ServerName: name, RootCAs: pool, Certificates: []tls.Certificate{*cert}}), nil
}

// admit checks that whoever opened a stream is a peer. That its certificate is one
// of the authority's the server has checked.
func (s *Secure) admit(ctx context.Context) error {
	if s == nil {
		return nil
	}
	name, _, _, err := s.name()
	if err != nil {
		return err
	}
	p, _ := grpcpeer.FromContext(ctx)
	if p == nil {
		return errors.New("nobody is known to have opened the stream")
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.PeerCertificates) == 0 {
		return errors.New("a peer must have a certificate")
	}
	if err := info.State.PeerCertificates[0].VerifyHostname(name); err != nil {
		return fmt.Errorf("no server's certificate: %w", err)
	}
	return nil
}
