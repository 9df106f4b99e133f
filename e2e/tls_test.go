package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates of a test, as files.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.sign("ca", nil)
	return a
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// sign makes NAME.crt and NAME.key: an authority of its own without a parent.
func (a *authority) sign(name string, parent *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.last++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(a.last), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: parent == nil,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	signer := a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".crt", "CERTIFICATE", der)
	a.write(name+".key", "EC PRIVATE KEY", keyDER)
	made, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return made, key
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// TestMutualTLS: an Envoy with a certificate of the authority is served; a
// client without one is not.
func TestMutualTLS(t *testing.T) {
	a := newAuthority(t)
	a.sign("serin", a.cert)
	a.sign("edge", a.cert)
	r := newRig(t, options{steps: classic, flags: []string{
		"--xds-tls-cert", a.file("serin.crt"), "--xds-tls-key", a.file("serin.key"), "--xds-tls-ca", a.file("ca.crt")}})
	r.bootstrap = []string{"--tls-cert", a.file("edge.crt"), "--tls-key", a.file("edge.key"), "--tls-ca", a.file("ca.crt")}
	r.envoy("edge-1", nil)
	r.want("v2")
	r.await("paused at 5%", paused(5))

	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	conn, err := tls.Dial("tcp", r.xds, &tls.Config{RootCAs: pool, NextProtos: []string{"h2"}})
	r.must(err) // TLS 1.3 tells of the refusal with the first read
	r.must(conn.SetReadDeadline(time.Now().Add(patience)))
	if _, err = conn.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("a client without a certificate was let in: %v", err)
	}
	_ = conn.Close()

	_, errs, code := r.command("serve", "--config", r.folder.Dir(), "--data-dir", t.TempDir(), "--xds-tls-cert", a.file("serin.crt"))
	if code != 1 {
		t.Errorf("half of the TLS flags: exit %d", code)
	}
	wantIn(t, errs, []string{"--xds-tls-key", "together"})
}
