package xds

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
)

const (
	// tellEvery is how often the same refusal of the same host is told of: who is
	// refused tries again within a second or two.
	tellEvery = time.Minute
	// maxTold bounds how many refusals are remembered.
	maxTold = 1000
)

// doorkeeper is the credentials of a server that says whom it does not let in, and
// why: a client of TLS 1.3 that is refused learns no more than that.
type doorkeeper struct {
	credentials.TransportCredentials
	log *slog.Logger

	mu   sync.Mutex // guards told
	told map[turnedAway]time.Time
}

// turnedAway is a host and why it was refused.
type turnedAway struct{ host, why string }

// ServerHandshake lets a client in. Source: credentials.TransportCredentials.
func (d *doorkeeper) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	out, info, err := d.TransportCredentials.ServerHandshake(c)
	// Who says nothing at all only looks whether the port is open.
	if err != nil && !errors.Is(err, io.EOF) {
		d.tell(c.RemoteAddr(), err)
	}
	return out, info, err
}

// tell logs a refusal that was not told of lately.
func (d *doorkeeper) tell(from net.Addr, err error) {
	host, _, split := net.SplitHostPort(from.String())
	if split != nil {
		host = from.String()
	}
	about, now := turnedAway{host, err.Error()}, time.Now()
	d.mu.Lock()
	last, known := d.told[about]
	fresh := !known || now.Sub(last) >= tellEvery
	if fresh {
		if len(d.told) >= maxTold {
			clear(d.told)
		}
		d.told[about] = now
	}
	d.mu.Unlock()
	if !fresh {
		return
	}
	what := "a client was refused"
	if of := (*net.OpError)(nil); errors.As(err, &of) && of.Op == "remote error" {
		what = "a client refused the certificate of this server"
	}
	d.log.Warn(what, "from", host, "error", err)
}
