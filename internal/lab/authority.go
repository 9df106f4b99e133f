package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Authority signs certificates that are good for an hour, for servers and for
// clients.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last int64 // serial number
}

// Pair names the files of a certificate and of its key.
type Pair struct{ Cert, Key string }

// NewAuthority makes an authority that keeps its files in a folder.
func NewAuthority(dir string) (*Authority, error) {
	a := &Authority{dir: dir}
	_, err := a.sign("ca", func(c *x509.Certificate) { c.IsCA = true })
	return a, err
}

// CA names the file of the authority's own certificate.
func (a *Authority) CA() string { return filepath.Join(a.dir, "ca.crt") }

// Sign makes NAME.crt and NAME.key, good for hosts: DNS names and IP addresses. What
// had the name before is overwritten.
func (a *Authority) Sign(name string, hosts ...string) (Pair, error) {
	return a.sign(name, func(c *x509.Certificate) {
		for _, host := range hosts {
			if ip := net.ParseIP(host); ip != nil {
				c.IPAddresses = append(c.IPAddresses, ip)
				continue
			}
			c.DNSNames = append(c.DNSNames, host)
		}
	})
}

// sign makes a certificate and its key; the first one signs itself, and what follows.
func (a *Authority) sign(name string, shape func(*x509.Certificate)) (Pair, error) {
	p := Pair{filepath.Join(a.dir, name+".crt"), filepath.Join(a.dir, name+".key")}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return p, fmt.Errorf("making a key for %q: %w", name, err)
	}
	a.last++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(a.last), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	shape(c)
	if a.cert == nil {
		a.cert, a.key = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return p, fmt.Errorf("signing the certificate of %q: %w", name, err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return p, fmt.Errorf("encoding the key of %q: %w", name, err)
	}
	for _, f := range []struct {
		name  string
		block pem.Block
	}{{p.Cert, pem.Block{Type: "CERTIFICATE", Bytes: der}}, {p.Key, pem.Block{Type: "PRIVATE KEY", Bytes: secret}}} {
		if err := os.WriteFile(f.name, pem.EncodeToMemory(&f.block), 0o600); err != nil {
			return p, fmt.Errorf("writing the certificate of %q: %w", name, err)
		}
	}
	return p, nil
}
