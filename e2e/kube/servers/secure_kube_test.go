//go:build kube

package servers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/serin-mesh/serin/internal/lab"
)

// release is what the chart makes: how a server starts, and its Secrets by name.
type release struct {
	p       *place
	args    []string
	secrets map[string]map[string][]byte
}

// The chart's Secrets, and the host that its Envoys connect to.
const (
	serverSecret = "serin-server-tls"
	envoySecret  = "serin-envoy-tls"
	tokenSecret  = "serin-tokens"
)

func (p *place) xdsHost() string { return "serin-xds." + p.namespace + ".svc" }

// release has Helm make the chart for the namespace, with an authority of its own.
func (p *place) release() *release {
	p.Helper()
	text, err := p.tool("helm", "", "template", "serin", "../../../deploy/chart/serin", "--set", "namespaces={"+p.namespace+"},log.format=text")
	p.must(err)
	r := &release{p: p, secrets: map[string]map[string][]byte{}}
	for d := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096); ; {
		var o struct {
			Kind       string
			Metadata   meta.ObjectMeta
			Data       map[string][]byte
			StringData map[string]string
			Spec       struct{ Template core.PodTemplateSpec }
		}
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) {
			return r
		}
		switch o.Kind {
		case "": // nothing but comments
			p.must(err)
		case "Secret":
			p.must(err)
			for key, text := range o.StringData {
				o.Data = map[string][]byte{key: []byte(text)}
			}
			r.secrets[o.Metadata.Name] = o.Data
		case "Deployment":
			p.must(err)
			r.args = o.Spec.Template.Spec.Containers[0].Args
		}
	}
}

// mount gives a folder with a Secret's data as a pod has it: behind a link, so that
// all files change at once when another Secret is mounted there.
func (r *release) mount(secret, dir string) string {
	p := r.p
	p.Helper()
	if len(r.secrets[secret]) == 0 {
		p.Fatalf("the chart has no Secret %s", secret)
	}
	data, err := os.MkdirTemp(dir, "..data-")
	p.must(err)
	for name, text := range r.secrets[secret] {
		p.must(os.WriteFile(filepath.Join(data, name), text, 0o600))
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); !errors.Is(err, os.ErrExist) {
			p.must(err)
		}
	}
	p.must(os.Symlink(filepath.Base(data), filepath.Join(dir, "..new")))
	p.must(os.Rename(filepath.Join(dir, "..new"), filepath.Join(dir, "..data")))
	return dir
}

// serve starts a server as the chart does, on loopback, with certificates of a folder.
func (r *release) serve(tls string) *server {
	r.p.Helper()
	port, err := lab.FreePort()
	r.p.must(err)
	tokens := r.mount(tokenSecret, r.p.TempDir())
	return r.p.serveAs(func(xds, http string) []string {
		var out []string
		here := strings.NewReplacer("$(POD_IP)", "127.0.0.1", "=:18000", "="+xds, "=:18080", "="+http,
			"=:18443", fmt.Sprintf("=127.0.0.1:%d", port), "/etc/serin/tls", tls, "/etc/serin/tokens", tokens)
		for _, arg := range r.args {
			out = append(out, here.Replace(arg))
		}
		return out
	})
}

// envoyWith starts an Envoy at a server, with the certificate of one folder and the
// authority of another.
func (p *place) envoyWith(id string, at *server, pair, authority string) *lab.Envoy {
	p.Helper()
	_, port, _ := strings.Cut(at.xds, ":")
	resolved := func(boot string) string {
		return strings.Replace(boot, "address: "+p.xdsHost(), "address: 127.0.0.1", 1) // what the DNS of a cluster does
	}
	return p.envoyFor(id, resolved, "--xds", p.xdsHost()+":"+port,
		"--tls-cert", filepath.Join(pair, "tls.crt"), "--tls-key", filepath.Join(pair, "tls.key"), "--tls-ca", filepath.Join(authority, "ca.crt"))
}

// TestSecureServers: two servers with the chart's flags and certificates follow each
// other, and an Envoy of the one that follows is part of a rollout; the one that leads
// is killed in the middle. Who has another authority's certificate is let in by none,
// and the logs say so.
func TestSecureServers(t *testing.T) {
	p := newPlace(t, "secure")
	ours, theirs := p.release(), p.release()
	tls, certificate := ours.mount(serverSecret, t.TempDir()), ours.mount(envoySecret, t.TempDir())
	port, put := p.shop()
	one := ours.serve(tls)
	p.answers(one, "/readyz", 200)
	two := ours.serve(tls)
	p.answers(two, "/readyz", 200)
	p.says(two, "following the leader", one.xds)
	p.must(p.envoyWith("e1", two, certificate, certificate).Ready(p.ctx, 1))
	p.reaches(one, "the first version", func(s status) bool { return s.Phase == "Healthy" && s.Fleet.Acked == 1 })
	load, stop := p.load(port)
	p.until("the service answers", func(context.Context) (bool, error) { return load.Counts().ByVersion["v1"].Requests > 100, nil })
	before := load.Counts()

	put("v2")
	p.reaches(one, "the first pause", at(1))
	p.reaches(one, "the Envoy of who follows, and what it reports", func(s status) bool {
		return s.Fleet.Connected == 1 && s.Fleet.Acked == 1 && len(s.Observed) == 2
	})
	p.reaches(one, "the second pause", at(3))
	_ = one.End(syscall.SIGKILL)
	p.reaches(two, "the end", func(s status) bool { return s.Phase == "Healthy" && s.Fleet.Acked == 1 && s.Fleet.Connected == 1 })
	stop()
	got := load.Counts().Sub(before)
	if got.Failed > 0 || got.ByVersion["v2"].Requests == 0 {
		t.Errorf("of %d requests %d failed: %v %v", got.Requests, got.Failed, got.ByStatus, got.LastError)
	}
	t.Logf("%d requests, %v", got.Requests, got.ByVersion)

	strangers := theirs.mount(envoySecret, t.TempDir())
	const unknown = "signed by unknown authority"
	p.envoyWith("e2", two, strangers, certificate)
	p.says(two, "a client was refused", unknown)
	e3 := p.envoyWith("e3", two, strangers, strangers)
	p.says(two, "a client refused the certificate of this server", "unknown certificate authority")
	p.until("the Envoy says why", func(context.Context) (bool, error) { return said(e3.LogTail(), "CERTIFICATE_VERIFY_FAILED"), nil })
	three := theirs.serve(theirs.mount(serverSecret, t.TempDir()))
	p.says(three, "without a leader: Envoys keep what they have", unknown)
	p.answers(three, "/readyz", 503)
	four := ours.serve(certificate) // an Envoy's is no server's
	p.says(four, "without a leader: Envoys keep what they have", "certificate is valid for serin-xds."+p.namespace)
	p.answers(four, "/readyz", 503)
	p.reaches(two, "the fleet as it was", func(s status) bool { return s.Fleet.Connected == 1 && s.Fleet.Acked == 1 })
}

// TestRenewed: servers whose Secret is renewed while they run, to an authority that
// is another, take the Envoys and the servers that have it too, as servers and as
// clients, and keep the Envoys that they have.
func TestRenewed(t *testing.T) {
	p := newPlace(t, "renewed")
	before, after := p.release(), p.release()
	tls, old := before.mount(serverSecret, t.TempDir()), before.mount(envoySecret, t.TempDir())
	p.shop()
	one := before.serve(tls)
	p.answers(one, "/readyz", 200)
	two := before.serve(tls)
	p.answers(two, "/readyz", 200)
	p.must(p.envoyWith("e1", two, old, old).Ready(p.ctx, 1))
	p.reaches(one, "the Envoy", func(s status) bool { return s.Phase == "Healthy" && s.Fleet.Acked == 1 })

	after.mount(serverSecret, tls)
	renewed := after.mount(envoySecret, t.TempDir())
	three := after.serve(tls)
	p.answers(three, "/readyz", 200) // it follows
	p.says(one, "renewed from files")
	p.must(p.envoyWith("e2", two, renewed, renewed).Ready(p.ctx, 1))
	both := func(s status) bool { return s.Fleet.Connected == 2 && s.Fleet.Acked == 2 }
	p.reaches(one, "both Envoys", both)
	_ = one.End(syscall.SIGKILL)
	p.reaches(two, "a leader after the first", both)
	p.reaches(three, "the same one", both)
}
