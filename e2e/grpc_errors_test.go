package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/serin-mesh/serin/internal/lab"
)

// grpcServer answers every call with a status in its trailers, without a body,
// as a server does that has nothing else to say.
func grpcServer(t *testing.T) (address string, status *atomic.Int32) {
	t.Helper()
	status = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", fmt.Sprint(status.Load()))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), status
}

// TestGRPCErrorsTemplate: failing calls come with HTTP status 200, and count by
// their gRPC status.
func TestGRPCErrorsTemplate(t *testing.T) {
	const notFound, unavailable = 5, 14
	r := newRig(t, options{
		versions: []string{"v1", "v2", "v3"}, guard: `{mode: "off"}`, noSerin: true,
		steps: []string{"setWeight: 50", "analysis: {templates: [{templateName: grpc-errors}], " +
			"args: [{name: window, value: 2s}, {name: interval, value: 500ms}, {name: count, value: \"3\"}]}", "setWeight: 80", "pause: {}"},
	})
	r.puts("grpc-errors")
	for version, code := range map[string]int32{"v1": 0, "v2": notFound, "v3": unavailable} {
		address, status := grpcServer(t)
		status.Store(code)
		r.must(r.folder.SetEndpoints("shop", version, address))
	}
	r.start()
	r.envoy("edge-1", nil)
	calls, err := lab.NewLoad(lab.LoadOptions{Targets: []string{fmt.Sprintf("127.0.0.1:%d", r.port)}, Host: "shop.example",
		Rate: 200, Header: http.Header{"Content-Type": {"application/grpc"}}})
	r.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- calls.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("load: %v", err)
		}
	})
	r.want("v2")
	r.await("paused at 80%", paused(80))
	r.does("promote", "shop")
	r.await("healthy on v2", healthy("v2"))
	r.failedBy("v3", "grpc-errors")
}
