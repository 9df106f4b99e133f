//go:build kube

package kubelab_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"testing"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serin-mesh/serin/internal/kubelab"
)

// get asks a pod, over a connection of its own.
func get(ctx context.Context, ip string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+ip+":8080/", nil)
	if err != nil {
		return "", err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// pods gives the pods of a place, by address.
func (p *place) pods() map[string]core.Pod {
	p.Helper()
	list, err := p.client.CoreV1().Pods(p.namespace).List(p.ctx, meta.ListOptions{})
	p.must(err)
	found := map[string]core.Pod{}
	for _, pod := range list.Items {
		found[pod.Status.PodIP] = pod
	}
	return found
}

// TestDeployment: a Deployment becomes ready on all nodes, each pod answers under
// its own address, and what is scaled away answers no more.
func TestDeployment(t *testing.T) {
	p := newPlace(t, "deployment")
	p.kubelet(kubelab.KubeletOptions{})
	p.deploy(3)
	addresses := p.untilReady(3)
	nodes := map[string]int{}
	for ip, pod := range p.pods() {
		if !kubelab.PodRange.Contains(netip.MustParseAddr(ip)) {
			t.Errorf("address %s is outside of %s", ip, kubelab.PodRange)
		}
		if name, err := get(p.ctx, ip); err != nil || name != pod.Name {
			t.Errorf("pod %s answers %q, %v", pod.Name, name, err)
		}
		nodes[pod.Spec.NodeName]++
	}
	if len(nodes) != 2 {
		t.Errorf("the pods are on %v", nodes)
	}
	p.until("the Deployment", func(ctx context.Context) (bool, error) {
		d, err := p.client.AppsV1().Deployments(p.namespace).Get(ctx, "shop", meta.GetOptions{})
		return err == nil && d.Status.AvailableReplicas == 3, err
	})

	p.deploy(1)
	left := p.untilReady(1)
	for _, ip := range addresses {
		if ip == left[0] {
			continue
		}
		p.until("the end of "+ip, func(ctx context.Context) (bool, error) {
			_, err := get(ctx, ip)
			return err != nil, nil
		})
	}
}

// TestGrace: a pod that is deleted leaves the endpoints at once, answers the
// request that it has, and goes then.
func TestGrace(t *testing.T) {
	p := newPlace(t, "grace")
	came, answer := make(chan string), make(chan struct{})
	p.kubelet(kubelab.KubeletOptions{Backend: kubelab.HTTP(func(pod *core.Pod) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			came <- pod.Name
			<-answer
			_, _ = io.WriteString(w, "late")
		})
	})})
	p.deploy(1)
	ip := p.untilReady(1)[0]
	answers := make(chan error, 1)
	go func() {
		body, err := get(p.ctx, ip)
		if body != "late" {
			err = errors.Join(err, errors.New("it answered "+body))
		}
		answers <- err
	}()
	name := <-came
	p.deploy(0)
	p.untilReady(0)
	pod, err := p.client.CoreV1().Pods(p.namespace).Get(p.ctx, name, meta.GetOptions{})
	if err != nil || pod.DeletionTimestamp == nil {
		t.Fatalf("the pod did not wait for its request: %v", err)
	}
	close(answer)
	p.must(<-answers)
	p.untilGone(name)
}

// untilGone waits until there is no pod of a name.
func (p *place) untilGone(name string) {
	p.Helper()
	p.until("the end of pod "+name, func(ctx context.Context) (bool, error) {
		_, err := p.client.CoreV1().Pods(p.namespace).Get(ctx, name, meta.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
}
