//go:build kube

package servers_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/internal/lab"
	"github.com/serin-mesh/serin/internal/stage"
)

// patience bounds every wait of these tests. It is long because the machine may
// be busy; what is measured is logged.
const patience = 2 * time.Minute

// program is the built Serin.
var program string

// atEnd closes what tests share; nil: nothing was shared.
var atEnd func() error

func TestMain(m *testing.M) { os.Exit(stage.Close(stage.Main(m, &program), &atEnd)) }

// shared gives the cluster of all tests, with the definitions of Serin's and of
// the Gateway API's kinds.
var shared = sync.OnceValues(func() (*kubelab.Cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := kubelab.Start(ctx, kubelab.Options{})
	if err != nil {
		return nil, err
	}
	atEnd = c.Close
	return c, c.Define(ctx, "../../../deploy/crds")
})

// place is a namespace of a test's own in the shared cluster.
type place struct {
	*testing.T
	ctx       context.Context
	cluster   *kubelab.Cluster
	namespace string
	config    string // path of the admin's kubeconfig
}

// newPlace makes the namespace.
func newPlace(t *testing.T, namespace string) *place {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	p := &place{T: t, ctx: ctx, cluster: c, namespace: namespace}
	p.config, err = c.Kubeconfig(kubelab.Admin)
	p.must(err)
	p.must(c.Apply(ctx, "{apiVersion: v1, kind: Namespace, metadata: {name: "+namespace+"}}"))
	return p
}

func (p *place) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// kubectl runs kubectl on an input in the namespace.
func (p *place) kubectl(input string, args ...string) (string, error) {
	p.Helper()
	return p.tool("kubectl", input, args...)
}

// tool runs a tool of the cluster's on an input in the namespace.
func (p *place) tool(name, input string, args ...string) (string, error) {
	p.Helper()
	path, err := kubelab.Tool("SERIN_"+strings.ToUpper(name), "scripts/"+name+".sh")
	p.must(err)
	cmd := exec.CommandContext(p.ctx, path, append([]string{"--namespace", p.namespace}, args...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+p.config, "HOME="+p.TempDir()) // nothing of ours is read
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// server is one process of Serin.
type server struct {
	*stage.Serin
	xds, http string
	log       stage.Output
}

// serve starts a server that sees the namespace, and ends it with the test.
func (p *place) serve(flags ...string) *server {
	p.Helper()
	return p.serveAs(func(xds, http string) []string {
		return append([]string{"serve", "--kubernetes", "--namespaces", p.namespace, "--lease-namespace", p.namespace, "--xds-listen", xds, "--http-listen", http}, flags...)
	})
}

// serveAs starts a server by the arguments for its two addresses.
func (p *place) serveAs(args func(xds, http string) []string) *server {
	p.Helper()
	ports, err := lab.FreePorts(2)
	p.must(err)
	s := &server{xds: fmt.Sprintf("127.0.0.1:%d", ports[0]), http: fmt.Sprintf("127.0.0.1:%d", ports[1])}
	s.Serin = stage.Start(p.T, program, &s.log, append(args(s.xds, s.http), "--kubeconfig", p.config)...)
	return s
}

// get asks the server, and gives the status and the body.
func (s *server) get(ctx context.Context, path string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.http+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// says waits until the server has logged a line with all the words.
func (p *place) says(s *server, words ...string) {
	p.Helper()
	p.until(fmt.Sprintf("%s says %q", s.http, words), func(context.Context) (bool, error) { return said(s.log.String(), words...), nil })
}

// said tells whether a log has a line with all the words.
func said(log string, words ...string) bool {
	for line := range strings.Lines(log) {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			return true
		}
	}
	return false
}

// until waits until something holds.
func (p *place) until(what string, holds func(context.Context) (bool, error)) {
	p.Helper()
	p.must(kubelab.Until(p.ctx, what, holds))
}

// answers waits until the server answers a path with a status.
func (p *place) answers(s *server, path string, want int) {
	p.Helper()
	p.until(fmt.Sprintf("%s of %s answers %d", path, s.http, want), func(ctx context.Context) (bool, error) {
		got, body, err := s.get(ctx, path)
		if err == nil && got != want {
			err = fmt.Errorf("it answers %d %s", got, body)
		}
		return err == nil, err
	})
}
