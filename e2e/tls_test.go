package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/serin-mesh/serin/internal/lab"
)

// TestMutualTLS: an Envoy with a certificate of the authority is served; a
// client without one is not.
func TestMutualTLS(t *testing.T) {
	a, err := lab.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	serin, err := a.Sign("serin", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	edge, err := a.Sign("edge")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, options{steps: classic, flags: []string{"--xds-tls-cert", serin.Cert, "--xds-tls-key", serin.Key, "--xds-tls-ca", a.CA()}})
	r.bootstrap = []string{"--tls-cert", edge.Cert, "--tls-key", edge.Key, "--tls-ca", a.CA()}
	r.envoy("edge-1", nil)
	r.want("v2")
	r.await("paused at 5%", paused(5))

	text, err := os.ReadFile(a.CA())
	r.must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	conn, err := tls.Dial("tcp", r.xds, &tls.Config{RootCAs: pool, NextProtos: []string{"h2"}})
	r.must(err) // TLS 1.3 tells of the refusal with the first read
	r.must(conn.SetReadDeadline(time.Now().Add(patience)))
	if _, err = conn.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("a client without a certificate was let in: %v", err)
	}
	_ = conn.Close()

	_, errs, code := r.command("serve", "--config", r.folder.Dir(), "--data-dir", t.TempDir(), "--xds-tls-cert", serin.Cert)
	if code != 1 {
		t.Errorf("half of the TLS flags: exit %d", code)
	}
	wantIn(t, errs, []string{"--xds-tls-key", "together"})
}
