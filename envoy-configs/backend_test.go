package envoyconfigs

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// backend answers as the path asks: /status/404, /reset, /hang, and for gRPC
// /grpc/ok, /grpc/not-found, /grpc/unavailable, /grpc/http-404, /grpc/hang.
type backend struct {
	left chan string // paths of requests whose client went away
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	last := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	switch {
	case last == "hang":
		<-r.Context().Done()
		b.left <- r.URL.Path
	case last == "reset":
		panic(http.ErrAbortHandler)
	case strings.HasPrefix(r.URL.Path, "/status/"):
		code := map[string]int{"200": 200, "404": 404, "500": 500, "501": 501}[last]
		w.WriteHeader(code)
	case last == "http-404":
		w.WriteHeader(http.StatusNotFound)
	default: // gRPC says how it went in a trailer
		w.Header().Set("Content-Type", "application/grpc")
		status := map[string]string{"ok": "0", "not-found": "5", "unavailable": "14"}[last]
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", status)
		w.WriteHeader(http.StatusOK)
	}
}

// start serves the backend over HTTP/1.1 and HTTP/2 without TLS.
func (b *backend) start(t *testing.T) (port string) {
	t.Helper()
	s := httptest.NewUnstartedServer(b)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Config.ErrorLog = nil
	s.Start()
	t.Cleanup(s.Close)
	return s.URL[strings.LastIndex(s.URL, ":")+1:]
}

// client sends requests over HTTP/1.1, or over HTTP/2 without TLS.
func client(http2 bool) *http.Client {
	p := new(http.Protocols)
	p.SetHTTP1(!http2)
	p.SetUnencryptedHTTP2(http2)
	return &http.Client{Transport: &http.Transport{Protocols: p}}
}
