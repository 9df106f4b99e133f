package xds

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/test/bufconn"

	"github.com/serin-mesh/serin/internal/lab"
)

// from is a connection from a host.
type from struct {
	net.Conn
	host string
}

func (f from) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(f.host), Port: 4321} }

// TestRefused: the log says who is not let in and why, once a minute and host.
func TestRefused(t *testing.T) {
	signed := time.Now() // before the virtual time begins
	settings := func(dir string) *tls.Config {
		a, err := lab.NewAuthority(dir)
		if err != nil {
			t.Fatal(err)
		}
		files, err := a.Sign("serin", "serin-xds")
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(a.CA())
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(text)
		return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
			ServerName: "serin-xds", NextProtos: []string{"h2"}, Time: func() time.Time { return signed }}
	}
	own, other := settings(t.TempDir()), settings(t.TempDir())
	bare, stranger := own.Clone(), own.Clone()
	bare.Certificates, stranger.Certificates = nil, other.Certificates
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		d := &doorkeeper{TransportCredentials: credentials.NewTLS(own), log: slog.New(slog.NewTextHandler(&said, nil)), told: map[turnedAway]time.Time{}}
		// knock has a client do something at the door of a server, and gives what the
		// server's log says of it.
		knock := func(host string, do func(net.Conn) error) (string, error) {
			said.Reset()
			lis := bufconn.Listen(1 << 16)
			done := make(chan struct{})
			go func() {
				defer close(done)
				if out, err := lis.Dial(); err == nil {
					_ = do(out) // what the server makes of it counts
					_ = out.Close()
				}
			}()
			in, err := lis.Accept()
			if err != nil {
				t.Fatal(err)
			}
			c, _, err := d.ServerHandshake(from{in, host})
			if err == nil {
				_ = c.Close()
			}
			_ = in.Close()
			<-done
			return said.String(), err
		}
		dial := func(c *tls.Config) func(net.Conn) error {
			return func(conn net.Conn) error {
				secure := tls.Client(conn, c)
				if err := secure.Handshake(); err != nil {
					return err
				}
				_, err := secure.Read(make([]byte, 1)) // a refusal comes after the client's part
				return err
			}
		}
		const refused = "a client was refused"
		for _, c := range []struct {
			name, host string
			do         func(net.Conn) error
			good       bool
			want       []string // in the log; none: nothing is said
		}{
			{"a client of ours", "10.0.0.1", dial(own), true, nil},
			{"only looking", "10.0.0.1", func(net.Conn) error { return nil }, false, nil},
			{"no TLS", "10.0.0.1", func(c net.Conn) error { _, err := c.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); return err }, false,
				[]string{refused, "from=10.0.0.1", "does not look like a TLS handshake"}},
			{"no certificate", "10.0.0.1", dial(bare), false, []string{refused, "didn't provide a certificate"}},
			{"another authority's", "10.0.0.1", dial(stranger), false, []string{refused, "from=10.0.0.1", "signed by unknown authority"}},
			{"the same again", "10.0.0.1", dial(stranger), false, nil},
			{"from elsewhere", "10.0.0.2", dial(stranger), false, []string{refused, "from=10.0.0.2", "signed by unknown authority"}},
			{"one that trusts another authority", "10.0.0.1", dial(other), false, []string{"a client refused the certificate of this server"}},
		} {
			got, err := knock(c.host, c.do)
			if (err == nil) != c.good {
				t.Errorf("%s: %v", c.name, err)
			}
			if lines := strings.Count(got, "\n"); lines > 1 || (lines == 0) != (c.want == nil) {
				t.Errorf("%s: it says %q", c.name, got)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%s: no %q in %q", c.name, want, got)
				}
			}
		}
		time.Sleep(tellEvery)
		if got, _ := knock("10.0.0.1", dial(stranger)); !strings.Contains(got, refused) {
			t.Errorf("a minute later it says %q", got)
		}
		for i := range 2 * maxTold {
			d.tell(from{host: fmt.Sprintf("10.1.%d.%d", i/256, i%256)}.RemoteAddr(), os.ErrInvalid)
		}
		if len(d.told) > maxTold {
			t.Errorf("%d are remembered", len(d.told))
		}
	})
}
