//go:build kube

package kubelab_test

import (
	"context"
	"os"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/serin-mesh/serin/internal/kubelab"
)

// TestRestartKeepsObjects: a restart of the API server breaks connections, and
// nothing else. The kubelet and the controllers come back by themselves.
func TestRestartKeepsObjects(t *testing.T) {
	p := newPlace(t, "restart")
	p.kubelet(kubelab.KubeletOptions{})
	p.deploy(1)
	before := p.untilReady(1)
	p.must(p.cluster.StopAPIServer())
	if _, err := p.ready(p.ctx); err == nil {
		t.Error("the API server answers after its end")
	}
	p.must(p.cluster.StartAPIServer(p.ctx))
	if after := p.untilReady(1); after[0] != before[0] {
		t.Errorf("the pod had %s, and has %s", before[0], after[0])
	}
	p.must(p.cluster.RestartAPIServer(p.ctx))
	p.deploy(2)
	p.untilReady(2)
}

// TestControllersCanRest: while the controllers do not run a Deployment is not
// scaled; when they come back it is.
func TestControllersCanRest(t *testing.T) {
	p := newPlace(t, "rest")
	p.kubelet(kubelab.KubeletOptions{})
	p.deploy(1)
	p.untilReady(1)
	p.must(p.cluster.StopControllerManager())
	p.deploy(2)
	sets, err := p.client.AppsV1().ReplicaSets(p.namespace).List(p.ctx, meta.ListOptions{})
	p.must(err)
	if n := *sets.Items[0].Spec.Replicas; n != 1 {
		t.Errorf("somebody scaled to %d", n)
	}
	p.must(p.cluster.StartControllerManager(p.ctx))
	p.untilReady(2)
}

// TestRBAC: a user may do what was granted to a group, and nothing else.
func TestRBAC(t *testing.T) {
	p := newPlace(t, "rbac")
	p.apply(`
{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: $NS}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: pods, namespace: $NS}
rules: [{apiGroups: [""], resources: [pods], verbs: [list]}]
`)
	robot, err := p.cluster.ServiceAccountConfig(p.ctx, p.namespace, "robot")
	p.must(err)
	who := map[string]*rest.Config{"reader": p.cluster.Config("reader"), "robot": robot}
	for name, config := range who {
		if _, err := p.list(config); !apierrors.IsForbidden(err) {
			t.Errorf("%s lists pods before it may: %v", name, err)
		}
	}
	p.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: pods, namespace: $NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: pods}
subjects:
- {kind: Group, apiGroup: rbac.authorization.k8s.io, name: readers}
- {kind: ServiceAccount, namespace: $NS, name: robot}
`)
	for name, config := range who {
		p.until(name+" to list pods", func(context.Context) (bool, error) {
			_, err := p.list(config)
			return err == nil, err
		})
		if err := p.secrets(config); !apierrors.IsForbidden(err) {
			t.Errorf("%s lists secrets: %v", name, err)
		}
	}
	if _, err := p.list(p.cluster.Config("nobody")); !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) {
		t.Errorf("nobody lists pods: %v", err)
	}
}

func (p *place) list(config *rest.Config) (*core.PodList, error) {
	return kubernetes.NewForConfigOrDie(config).CoreV1().Pods(p.namespace).List(p.ctx, meta.ListOptions{})
}

func (p *place) secrets(config *rest.Config) error {
	_, err := kubernetes.NewForConfigOrDie(config).CoreV1().Secrets(p.namespace).List(p.ctx, meta.ListOptions{})
	return err
}

// TestKubeconfig: the file says what Config says.
func TestKubeconfig(t *testing.T) {
	p := newPlace(t, "kubeconfig")
	path, err := p.cluster.Kubeconfig(kubelab.Admin)
	p.must(err)
	config, err := clientcmd.BuildConfigFromFlags("", path)
	p.must(err)
	version, err := kubernetes.NewForConfigOrDie(config).Discovery().ServerVersion()
	p.must(err)
	if version.Major != "1" || version.Minor != "37" {
		t.Errorf("it is Kubernetes %s.%s", version.Major, version.Minor)
	}
}

// TestStartTellsWhatFailed: the error has the log of what ended, and nothing of
// the cluster is left.
func TestStartTellsWhatFailed(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	t.Setenv("TMPDIR", t.TempDir())
	_, err := kubelab.Start(ctx, kubelab.Options{APIServerFlags: []string{"--no-such-flag"}})
	if err == nil || !strings.Contains(err.Error(), "unknown flag: --no-such-flag") {
		t.Fatalf("the error is %v", err)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}
