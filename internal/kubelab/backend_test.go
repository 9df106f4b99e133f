package kubelab_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"

	"github.com/serin-mesh/serin/internal/kubelab"
)

// podWith gives a pod with TCP ports.
func podWith(ports ...int32) *core.Pod {
	pod := &core.Pod{}
	pod.Name = "shop"
	pod.Spec.Containers = []core.Container{{Name: "main", Ports: []core.ContainerPort{{Protocol: core.ProtocolUDP, ContainerPort: 53}}}}
	for _, p := range ports {
		pod.Spec.Containers[0].Ports = append(pod.Spec.Containers[0].Ports, core.ContainerPort{Name: "http", ContainerPort: p})
	}
	return pod
}

// freePort gives a port that was free a moment ago.
func freePort(t *testing.T) int32 {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return int32(l.Addr().(*net.TCPAddr).Port)
}

// TestHTTPHasGrace: a stop with grace lets a request end, and a second one without
// any does not.
func TestHTTPHasGrace(t *testing.T) {
	for _, hurry := range []bool{false, true} {
		came, answer := make(chan struct{}), make(chan struct{})
		backend := kubelab.HTTP(func(*core.Pod) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(came)
				select {
				case <-answer:
				case <-r.Context().Done():
				}
				_, _ = io.WriteString(w, "hello")
			})
		})
		pod := podWith(freePort(t))
		stop, err := backend.Start(pod, "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan string, 1)
		go func() { got <- ask(t.Context(), pod) }()
		<-came
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			stop(time.Hour)
		}()
		want := "hello"
		if hurry {
			stop(0)
			want = ""
		} else {
			close(answer)
		}
		<-ended
		if body := <-got; body != want {
			t.Errorf("hurry %v: the answer is %q", hurry, body)
		}
	}
}

// ask gives what the first TCP port of a pod answers; empty: nothing.
func ask(ctx context.Context, pod *core.Pod) string {
	port := pod.Spec.Containers[0].Ports[1].ContainerPort
	address := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address.String(), nil)
	if err != nil {
		return ""
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}

// TestHTTPOpensAllPortsOrNone: when a port is taken, the others are given back.
func TestHTTPOpensAllPortsOrNone(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := freePort(t)
	backend := kubelab.HTTP(func(*core.Pod) http.Handler { return http.NotFoundHandler() })
	_, err = backend.Start(podWith(free, int32(taken.Addr().(*net.TCPAddr).Port)), "127.0.0.1")
	if err == nil || !strings.Contains(err.Error(), `opening port "http" of pod "shop"`) {
		t.Fatalf("the error is %v", err)
	}
	stop, err := backend.Start(podWith(free), "127.0.0.1")
	if err != nil {
		t.Fatalf("the free port was kept: %v", err)
	}
	stop(0)
}
