package lab

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// connection is one kept-alive HTTP/1.1 connection that carries one request at
// a time. net/http's client is not used because it sends a request again when a
// connection breaks: that would hide the failures this load is there to find.
type connection struct {
	target  string
	timeout time.Duration
	request []byte // as it goes over the wire

	conn   net.Conn // nil: not connected
	reader *bufio.Reader
}

func newConnection(target string, o LoadOptions) *connection {
	return &connection{target: target, timeout: o.Timeout, request: encodeRequest(target, o)}
}

// encodeRequest gives the bytes of the request that a load repeats.
func encodeRequest(target string, o LoadOptions) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", cmp.Or(o.Path, "/"), cmp.Or(o.Host, target))
	_ = o.Header.Write(&b) // a buffer takes everything
	b.WriteString("\r\n")
	return b.Bytes()
}

// exchange sends the request and reads the answer. After a failure the next
// request gets a new connection.
func (c *connection) exchange(due time.Time) Result {
	r := Result{Target: c.target, Scheduled: due}
	if r.Err = c.connect(); r.Err != nil {
		return r
	}
	r.Sent = time.Now()
	keep, err := c.roundTrip(&r)
	if err != nil {
		r.Err = fmt.Errorf("asking %s: %w", c.target, err)
	}
	if !keep {
		c.close()
	}
	return r
}

func (c *connection) connect() error {
	if c.conn != nil {
		return nil
	}
	conn, err := net.DialTimeout("tcp", c.target, c.timeout)
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", c.target, err)
	}
	c.conn, c.reader = conn, bufio.NewReader(conn)
	return nil
}

// roundTrip writes the request and reads the whole answer into r. It reports
// whether the connection can carry another request.
func (c *connection) roundTrip(r *Result) (keep bool, err error) {
	if err := c.conn.SetDeadline(r.Sent.Add(c.timeout)); err != nil {
		return false, err
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return false, err
	}
	resp, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }() // it is read to its end before
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return false, err
	}
	r.Status, r.Version = resp.StatusCode, resp.Header.Get(VersionHeader)
	return !resp.Close, nil
}

func (c *connection) close() {
	if c.conn != nil {
		// It is given up, whatever closing it says.
		_ = c.conn.Close()
		c.conn = nil
	}
}
