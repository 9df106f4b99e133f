package kubelab

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/util/cert"
)

// credentials are what the parts of a cluster, and its users, are known by.
type credentials struct {
	certFile, keyFile string // of the API server and the controller manager
	accountKeyFile    string // signs the tokens of ServiceAccounts
	tokenFile         string // of the users
	ca                []byte // PEM; what clients check the API server by
	tokens            map[string]string
}

// newCredentials makes them and writes them into a folder.
func newCredentials(dir string, users []User) (*credentials, error) {
	c := &credentials{
		certFile: filepath.Join(dir, "server.crt"), keyFile: filepath.Join(dir, "server.key"),
		accountKeyFile: filepath.Join(dir, "accounts.key"), tokenFile: filepath.Join(dir, "tokens.csv"),
		tokens: map[string]string{},
	}
	for _, write := range []func() error{c.writeCertificate, c.writeAccountKey, func() error { return c.writeTokens(users) }} {
		if err := write(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// writeCertificate makes a certificate for 127.0.0.1, and an authority for it.
func (c *credentials) writeCertificate() error {
	chain, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost"})
	if err != nil {
		return fmt.Errorf("making the certificate of the API server: %w", err)
	}
	c.ca = chain
	return writeSecrets(map[string][]byte{c.certFile: chain, c.keyFile: key})
}

// writeAccountKey makes the key for the tokens of ServiceAccounts.
func (c *credentials) writeAccountKey() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("making the key of the service accounts: %w", err)
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return writeSecrets(map[string][]byte{c.accountKeyFile: pem.EncodeToMemory(block)})
}

// writeTokens gives each user a token, and tells the API server in the format of
// --token-auth-file: token, name, id, groups.
func (c *credentials) writeTokens(users []User) error {
	var file strings.Builder
	for _, u := range users {
		if strings.ContainsAny(u.Name+strings.Join(u.Groups, ""), "\",\n") || u.Name == "" {
			return fmt.Errorf("making a token for user %q: a name is empty, or has a quote, comma or line break", u.Name)
		}
		random := make([]byte, 16)
		_, _ = rand.Read(random) // never fails
		c.tokens[u.Name] = hex.EncodeToString(random)
		fmt.Fprintf(&file, "%s,%s,%s,\"%s\"\n", c.tokens[u.Name], u.Name, u.Name, strings.Join(u.Groups, ","))
	}
	return writeSecrets(map[string][]byte{c.tokenFile: []byte(file.String())})
}

// writeSecrets writes files that only we may read.
func writeSecrets(files map[string][]byte) error {
	for path, content := range files {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return fmt.Errorf("writing %q: %w", filepath.Base(path), err)
		}
	}
	return nil
}
