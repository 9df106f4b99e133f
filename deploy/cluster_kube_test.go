//go:build kube

package deploy_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/serin-mesh/serin/internal/kubelab"
	"github.com/serin-mesh/serin/internal/stage"
)

// patience bounds every wait of these tests. It is long because the machine may
// be busy; nothing is measured by it.
const patience = 3 * time.Minute

// atEnd closes what tests share; nil: nothing was shared.
var atEnd func() error

func TestMain(m *testing.M) { os.Exit(stage.Close(m.Run(), &atEnd)) }

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
	return c, c.Define(ctx, "crds")
})

// place is a namespace of a test's own.
type place struct {
	*testing.T
	ctx       context.Context
	cluster   *kubelab.Cluster
	namespace string // "": what the objects name
	config    string // path of the admin's kubeconfig
}

// newPlace makes a namespace of the shared cluster.
func newPlace(t *testing.T, namespace string) *place {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	config, err := c.Kubeconfig(kubelab.Admin)
	if err != nil {
		t.Fatal(err)
	}
	p := &place{T: t, ctx: ctx, cluster: c, namespace: namespace, config: config}
	if err := c.Apply(ctx, "{apiVersion: v1, kind: Namespace, metadata: {name: "+namespace+"}}"); err != nil {
		t.Fatal(err)
	}
	return p
}

// try runs kubectl or helm in the namespace, on an input, and gives what it
// printed.
func (p *place) try(input, name string, args ...string) (string, error) {
	p.Helper()
	path, err := kubelab.Tool("SERIN_"+strings.ToUpper(name), "scripts/"+name+".sh")
	if err != nil {
		p.Fatal(err)
	}
	if p.namespace != "" {
		args = append([]string{"--namespace", p.namespace}, args...)
	}
	cmd := exec.CommandContext(p.ctx, path, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+p.config, "HOME="+p.TempDir()) // nothing of ours is read
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// kubectl runs kubectl, which is to succeed.
func (p *place) kubectl(args ...string) string { p.Helper(); return p.kubectlOn("", args...) }

// kubectlOn runs kubectl on an input; it is to succeed.
func (p *place) kubectlOn(input string, args ...string) string {
	p.Helper()
	out, err := p.try(input, "kubectl", args...)
	if err != nil {
		p.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// helm runs helm, which is to succeed.
func (p *place) helm(args ...string) string {
	p.Helper()
	out, err := p.try("", "helm", args...)
	if err != nil {
		p.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// documents reads the objects of a text of many YAML documents.
func documents(t *testing.T, text string) (all []*unstructured.Unstructured) {
	t.Helper()
	for d := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096); ; {
		o := &unstructured.Unstructured{}
		if err := d.Decode(&o.Object); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if len(o.Object) > 0 {
			all = append(all, o)
		}
	}
}

// marshal gives the JSON of a value.
func marshal(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
