package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/serin-mesh/serin/internal/lab"
)

// TestRenewable: what files hold is parsed once, again when they have changed, and
// stays while they are not good. Each trouble is told of once.
func TestRenewable(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	parsed := 0
	parse := func(texts [][]byte) (string, error) {
		parsed++
		if !bytes.Equal(texts[0], texts[1]) {
			return "", os.ErrInvalid
		}
		return string(texts[0]), nil
	}
	put(t, dir, "one", "a")
	if _, err := renew("a test", log, parse, one, two); err == nil {
		t.Fatal("a file that is missing at the start is fine")
	}
	put(t, dir, "two", "b")
	if _, err := renew("a test", log, parse, one, two); err == nil {
		t.Fatal("files that are not good at the start are fine")
	}
	put(t, dir, "two", "a")
	r, err := renew("a test", log, parse, one, two)
	if err != nil {
		t.Fatal(err)
	}
	const changed, bad = "renewed from files", "files were changed and are not good"
	for _, step := range []struct {
		name   string
		do     func()
		want   string
		log    string // what it says then; empty: nothing
		parses int
	}{
		{"nothing changed", func() {}, "a", "", 0},
		{"the first of two", func() { put(t, dir, "one", "b") }, "a", bad, 2},
		{"the second", func() { put(t, dir, "two", "b") }, "b", changed, 1},
		{"it is gone", func() { _ = os.Remove(two) }, "b", bad, 0},
		{"it is back", func() { put(t, dir, "two", "b") }, "b", "", 0},
		{"gone again", func() { _ = os.Remove(two) }, "b", bad, 0},
		{"another one", func() { put(t, dir, "two", "c"); put(t, dir, "one", "c") }, "c", changed, 1},
	} {
		said.Reset()
		parsed = 0
		step.do()
		for range 2 {
			if got := r.now(); got != step.want {
				t.Errorf("%s: %q, want %q", step.name, got, step.want)
			}
		}
		if lines := strings.Count(said.String(), "\n"); lines > 1 || (lines == 0) != (step.log == "") || !strings.Contains(said.String(), step.log) {
			t.Errorf("%s: it says %q, want %q once", step.name, said.String(), step.log)
		}
		if parsed != step.parses {
			t.Errorf("%s: parsed %d times, want %d", step.name, parsed, step.parses)
		}
	}
}

// identityOf makes files of an authority's, with a certificate for a name, and
// reads them.
func identityOf(t *testing.T, a *lab.Authority, name string) (*identity, tlsFiles) {
	t.Helper()
	pair, err := a.Sign(name, name)
	if err != nil {
		t.Fatal(err)
	}
	files := tlsFiles{pair.Cert, pair.Key, a.CA()}
	id, err := files.read(nil)
	if err != nil {
		t.Fatal(err)
	}
	return id, files
}

// authority makes one for a test.
func authority(t *testing.T) *lab.Authority {
	t.Helper()
	a, err := lab.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// greets has a client connect to a listener's settings; the error is the server's.
func greets(t *testing.T, server *tls.Config, client *tls.Config) (seen *x509.Certificate, err error) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		dialer := tls.Dialer{Config: client}
		if c, err := dialer.DialContext(ctx, "tcp", lis.Addr().String()); err == nil {
			seen = c.(*tls.Conn).ConnectionState().PeerCertificates[0]
			_ = c.Close()
		}
	}()
	in, err := lis.Accept()
	if err != nil {
		t.Fatal(err)
	}
	err = tls.Server(in, server).HandshakeContext(ctx)
	_ = in.Close()
	<-done
	return seen, err
}

// dialing gives the settings of one that has an identity.
func dialing(id *identity, name string) *tls.Config {
	c := id.now()
	return &tls.Config{ServerName: name, RootCAs: c.ClientCAs, Certificates: c.Certificates}
}

// TestIdentityRenewed: a certificate and an authority that are renewed are those of
// the next connection, for Envoys and for peers, and while the key is another's the
// ones before are.
func TestIdentityRenewed(t *testing.T) {
	before, after := authority(t), authority(t)
	id, files := identityOf(t, before, "serin-xds")
	old, _ := identityOf(t, before, "envoy")
	renewed, by := identityOf(t, after, "serin-xds")
	listener, peers := toEnvoys(id), toPeers(id)
	own := func(what string, want *x509.Certificate, good, bad *identity) {
		t.Helper()
		if seen, err := greets(t, listener, dialing(good, "serin-xds")); err != nil || !seen.Equal(want) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := greets(t, listener, dialing(bad, "serin-xds")); err == nil {
			t.Errorf("%s: a client of the other authority is let in", what)
		}
		cert, pool, err := peers.Own()
		if err != nil || !cert.Leaf.Equal(want) {
			t.Errorf("%s: among peers: %v", what, err)
		}
		if _, err := want.Verify(x509.VerifyOptions{DNSName: "serin-xds", Roots: pool}); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	first := id.now().Certificates[0].Leaf
	own("at first", first, old, renewed)
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	last := renewed.now().Certificates[0].Leaf
	move(by.Cert, files.Cert)
	own("half way", first, old, renewed)
	move(by.Key, files.Key)
	move(by.CA, files.CA)
	own("at the end", last, renewed, old)
}

// TestNoIdentity: without files there is no TLS, and half of them is an error.
func TestNoIdentity(t *testing.T) {
	if id, err := (tlsFiles{}).read(nil); id != nil || err != nil || toEnvoys(id) != nil || toPeers(id) != nil {
		t.Errorf("without files: %v %v", id, err)
	}
	_, files := identityOf(t, authority(t), "serin")
	for name, f := range map[string]tlsFiles{
		"together":           {Cert: files.Cert, Key: files.Key},
		"no such file":       {files.Cert, files.Key, files.CA + ".not"},
		"no PEM certificate": {files.Cert, files.Key, files.Key},
		"--xds-tls-key":      {files.Cert, files.CA, files.CA},
	} {
		if _, err := f.read(nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
}
