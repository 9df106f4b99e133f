package server_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen binds a free port of this machine.
func listen(t *testing.T) net.Listener {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return lis
}

// TestRun proves that a server 1. answers on its listener, 2. lets this machine
// act when the listener is loopback, 3. ends streams and then itself with its
// context.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	lis := listen(t)
	f := &fake{rollouts: []*api.Rollout{shop("default")}, watch: make(chan []api.Event, 1)}
	ended := make(chan error, 1)
	go func() { ended <- server.New(server.Options{Control: f}).Run(ctx, lis) }()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	base := "http://" + lis.Addr().String()

	resp, err := client.Post(base+"/api/v1/rollouts/shop/abort", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || f.acted[0].Actor != "127.0.0.1" {
		t.Errorf("got %d, acted %+v", resp.StatusCode, f.acted)
	}

	stream, err := client.Get(base + "/api/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	f.watch <- []api.Event{{Type: "removed", Namespace: "default", Name: "cart"}}
	lines := bufio.NewScanner(stream.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), "cart") {
	}
	cancel()
	if rest, err := io.ReadAll(stream.Body); err != nil || strings.Contains(string(rest), "data:") {
		t.Errorf("the stream ended with %q, %v", rest, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
	if _, err := client.Get(base + "/healthz"); err == nil {
		t.Error("the server still answers")
	}
}

// TestRunOpen proves that a listener that others reach takes no action without
// a token, and says what to do.
func TestRunOpen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	lis := listen(t)
	ended := make(chan error, 1)
	f := &fake{rollouts: []*api.Rollout{shop("default")}}
	go func() { ended <- server.New(server.Options{Control: f}).Run(ctx, everywhere{lis}) }()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	resp, err := client.Post("http://"+lis.Addr().String()+"/api/v1/rollouts/shop/abort", "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 403 || !strings.Contains(string(body), "--token-file") || len(f.acted) > 0 {
		t.Errorf("got %d %s, %v", resp.StatusCode, body, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
}

// everywhere is a listener that says it is bound to every address.
type everywhere struct{ net.Listener }

func (e everywhere) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero, Port: 18080} }

// TestRunFails proves that a listener that breaks ends the server with an
// error.
func TestRunFails(t *testing.T) {
	lis := listen(t)
	lis.Close()
	err := server.New(server.Options{Control: &fake{}}).Run(t.Context(), lis)
	if err == nil || !strings.Contains(err.Error(), lis.Addr().String()) {
		t.Errorf("got %v", err)
	}
}
