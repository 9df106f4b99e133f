package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/server"
)

// reader is the far end of a stream: it takes what is flushed.
type reader struct {
	header http.Header

	mu   sync.Mutex // guards what follows
	held bytes.Buffer
	text string
	fail error // of every write, where not nil
}

func (r *reader) Header() http.Header { return r.header }
func (r *reader) WriteHeader(int)     {}

func (r *reader) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return 0, r.fail
	}
	return r.held.Write(p)
}

func (r *reader) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text += r.held.String()
	r.held.Reset()
}

// take waits until the stream is idle and gives what came since.
func (r *reader) take() string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	text := r.text
	r.text = ""
	return text
}

// breaks makes every later write fail, unless the error is nil.
func (r *reader) breaks(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// open starts a stream in the bubble of a test.
func open(ctx context.Context, t *testing.T, f *fake, query string) (r *reader, ended chan struct{}) {
	t.Helper()
	r, ended = &reader{header: http.Header{}}, make(chan struct{})
	req := request(t, "GET", "/api/v1/events"+query, "").WithContext(ctx)
	go func() {
		defer close(ended)
		server.New(server.Options{Control: f}).Handler(true).ServeHTTP(r, req)
	}()
	return r, ended
}

// TestEvents proves that 1. a stream begins at once, 2. each event is one
// message of its type with the whole event as data, 3. silence is filled with
// comments, 4. the stream ends with the reader.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := &fake{watch: make(chan []api.Event)}
		r, ended := open(ctx, t, f, "")
		if got := r.take(); got != "retry: 1000\n\n" || r.header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("begins with %q, %v", got, r.header)
		}
		events := []api.Event{
			{Type: "rollout", Rollout: shop("default")},
			{Type: "removed", Namespace: "default", Name: "cart"},
		}
		f.watch <- events
		messages := strings.Split(strings.TrimSuffix(r.take(), "\n\n"), "\n\n")
		if len(messages) != len(events) {
			t.Fatalf("got messages %q", messages)
		}
		for i, m := range messages {
			data, _ := json.Marshal(events[i])
			if want := "event: " + events[i].Type + "\ndata: " + string(data); m != want {
				t.Errorf("got  %s\nwant %s", m, want)
			}
		}
		<-time.After(2*server.Heartbeat + time.Second) // of the bubble
		if got := r.take(); got != ": nothing new\n\n: nothing new\n\n" {
			t.Errorf("in silence: got %q", got)
		}
		cancel()
		<-ended
	})
}

// TestEventsOfNamespace proves that a stream tells of one namespace, or of all.
func TestEventsOfNamespace(t *testing.T) {
	tests := []struct {
		query string
		want  int
	}{{"", 2}, {"?namespace=prod", 1}, {"?namespace=*", 3}, {"?namespace=none", 0}}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				f := &fake{watch: make(chan []api.Event)}
				r, ended := open(ctx, t, f, tt.query)
				f.watch <- []api.Event{
					{Type: "rollout", Rollout: shop("default")}, {Type: "rollout", Rollout: shop("prod")},
					{Type: "removed", Namespace: "default", Name: "cart"},
				}
				if got := r.take(); strings.Count(got, "data: ") != tt.want {
					t.Errorf("got %s", got)
				}
				cancel()
				<-ended
			})
		})
	}
}

// TestEventsEnd proves that a stream ends when its reader is gone, and when an
// event has no JSON form, rather than going on without it.
func TestEventsEnd(t *testing.T) {
	endless := shop("default")
	endless.Status.Canary.Weights.Canary.Weight = math.Inf(1)
	tests := []struct {
		name  string
		event *api.Rollout
		fail  error
	}{
		{"the reader is gone", shop("default"), errors.New("broken pipe")},
		{"no JSON form", endless, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{watch: make(chan []api.Event)}
				r, ended := open(t.Context(), t, f, "")
				r.take()
				r.breaks(tt.fail)
				f.watch <- []api.Event{{Type: "rollout", Rollout: tt.event}}
				<-ended
			})
		})
	}
}
