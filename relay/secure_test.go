package relay

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"
	grpcpeer "google.golang.org/grpc/peer"
)

// certificate makes one that vouches for itself, good for a name.
func certificate(t *testing.T, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: names, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// TestAdmit: a server is let in by its certificate, an Envoy is not.
func TestAdmit(t *testing.T) {
	own, envoy, nameless := certificate(t, "serin-xds", "serin-webhook"), certificate(t, "serin-envoy"), certificate(t)
	secure := func(c tls.Certificate) *Secure {
		return &Secure{Own: func() (*tls.Certificate, *x509.CertPool, error) { return &c, x509.NewCertPool(), nil }}
	}
	from := func(info credentials.AuthInfo) context.Context {
		return grpcpeer.NewContext(t.Context(), &grpcpeer.Peer{Addr: &net.TCPAddr{}, AuthInfo: info})
	}
	shows := func(c tls.Certificate) credentials.AuthInfo {
		return credentials.TLSInfo{State: tls.ConnectionState{PeerCertificates: []*x509.Certificate{c.Leaf}}}
	}
	for name, c := range map[string]struct {
		secure *Secure
		ctx    context.Context
		want   string // in the error; empty: it is let in
	}{
		"no TLS":         {nil, t.Context(), ""},
		"a server":       {secure(own), from(shows(own)), ""},
		"an Envoy":       {secure(own), from(shows(envoy)), "no server's certificate"},
		"nobody":         {secure(own), t.Context(), "nobody is known"},
		"no certificate": {secure(own), from(credentials.TLSInfo{}), "must have a certificate"},
		"no name":        {secure(nameless), from(shows(nameless)), "has no DNS name"},
	} {
		if err := c.secure.admit(c.ctx); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := secure(own).credentials(); err != nil {
		t.Error(err)
	}
}
