package lab_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"github.com/serin-mesh/serin/internal/lab"
)

// TestAuthority: what an authority signs is good for its hosts, and for nobody who
// trusts another.
func TestAuthority(t *testing.T) {
	trusted := func(dir string) (*lab.Authority, *x509.CertPool) {
		a, err := lab.NewAuthority(dir)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(a.CA())
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			t.Fatalf("no certificate in %s", text)
		}
		return a, pool
	}
	a, pool := trusted(t.TempDir())
	_, other := trusted(t.TempDir())
	files, err := a.Sign("serin", "serin-xds.test", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		host string
		by   *x509.CertPool
		good bool
	}{{"serin-xds.test", pool, true}, {"127.0.0.1", pool, true}, {"another.test", pool, false}, {"127.0.0.1", other, false}} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: c.host, Roots: c.by}); (err == nil) != c.good {
			t.Errorf("%s: %v", c.host, err)
		}
	}
	if _, err := lab.NewAuthority("/nowhere/at/all"); err == nil {
		t.Error("a folder that is not there is fine")
	}
}
