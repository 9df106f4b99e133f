package lab

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"testing"
	"time"
)

// start starts a service that ends with the test.
func start(t *testing.T, version string) *Service {
	t.Helper()
	s, err := StartService(version)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask sends one request on a connection of its own.
func ask(ctx context.Context, s *Service) (status int, version, body string, err error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Address()+"/", nil)
	if err != nil {
		return 0, "", "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", "", err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header.Get(VersionHeader), string(data), err
}

func TestServiceAnswersWithItsVersion(t *testing.T) {
	s := start(t, "v7")
	if !s.LastRequest().IsZero() {
		t.Errorf("before the first request, the last came at %s", s.LastRequest())
	}
	before := time.Now()
	status, version, body, err := ask(t.Context(), s)
	if err != nil || status != 200 || version != "v7" || body != "v7\n" {
		t.Errorf("got %d, version %q, body %q, %v", status, version, body, err)
	}
	if s.Requests() != 1 || s.Failed() != 0 || !s.FirstBad().IsZero() {
		t.Errorf("got %d requests, %d failed, first bad %s", s.Requests(), s.Failed(), s.FirstBad())
	}
	if at := s.LastRequest(); at.Before(before) || at.After(time.Now()) {
		t.Errorf("the last request came at %s, which is not during the test", at)
	}
}

func TestServiceFails(t *testing.T) {
	tests := []struct {
		name   string
		fault  Fault
		status int
		broken bool // there is no answer
		failed uint64
	}{
		{"good", Fault{}, 200, false, 0},
		{"always", Fault{FailRatio: 1}, 500, false, 1},
		{"with a status", Fault{FailRatio: 1, Status: 503}, 503, false, 1},
		{"by a reset", Fault{FailRatio: 1, Reset: true}, 0, true, 1},
		{"late", Fault{Delay: time.Millisecond}, 200, false, 0},
		{"reset of nothing", Fault{Reset: true}, 200, false, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, "v1")
			s.Set(test.fault)
			began := time.Now()
			status, version, _, err := ask(t.Context(), s)
			if (err != nil) != test.broken || status != test.status {
				t.Errorf("got %d, %v; want %d", status, err, test.status)
			}
			if err == nil && version != "v1" {
				t.Errorf("the answer is of version %q", version)
			}
			if took := time.Since(began); took < test.fault.Delay {
				t.Errorf("the answer took %s, want at least %s", took, test.fault.Delay)
			}
			if s.Failed() != test.failed || s.FirstBad().IsZero() != (test.failed == 0) {
				t.Errorf("got %d failed, first bad at %s; want %d", s.Failed(), s.FirstBad(), test.failed)
			}
		})
	}
}

func TestServiceFailsAShare(t *testing.T) {
	const n, ratio = 20000, 0.3
	f := newFault(Fault{FailRatio: ratio})
	failed := 0
	for range n {
		if f.draws() {
			failed++
		}
	}
	// Six standard deviations: once in half a billion runs.
	limit := 6 * math.Sqrt(n*ratio*(1-ratio))
	if math.Abs(float64(failed)-n*ratio) > limit {
		t.Errorf("%d of %d failed, want %.0f give or take %.0f", failed, n, n*ratio, limit)
	}
}

func TestServiceForgetsTheFirstBadAnswer(t *testing.T) {
	s := start(t, "v1")
	s.Set(Fault{FailRatio: 1})
	if _, _, _, err := ask(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	first := s.FirstBad()
	if _, _, _, err := ask(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if !s.FirstBad().Equal(first) {
		t.Errorf("a second bad answer moved the first from %s to %s", first, s.FirstBad())
	}
	s.Set(Fault{})
	if !s.FirstBad().IsZero() {
		t.Errorf("after Set the first bad answer is still that of %s", s.FirstBad())
	}
}

// hang sends a request that hangs, and gives its outcome.
func hang(ctx context.Context, t *testing.T, s *Service) <-chan error {
	t.Helper()
	s.Set(Fault{Hang: true})
	out := make(chan error, 1)
	go func() {
		_, _, _, err := ask(ctx, s)
		out <- err
	}()
	eventually(t, func() bool { return s.Failed() == 1 })
	return out
}

func TestServiceHangs(t *testing.T) {
	t.Run("until the fault is over", func(t *testing.T) {
		s := start(t, "v1")
		out := hang(t.Context(), t, s)
		if s.FirstBad().IsZero() {
			t.Error("a request hangs and there is no first bad one")
		}
		s.Set(Fault{})
		if err := <-out; err != nil {
			t.Errorf("after the fault: %v", err)
		}
	})
	t.Run("until the client goes", func(t *testing.T) {
		s := start(t, "v1")
		ctx, cancel := context.WithCancel(t.Context())
		out := hang(ctx, t, s)
		cancel()
		if err := <-out; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want a canceled request", err)
		}
	})
	t.Run("until the service closes", func(t *testing.T) {
		s, err := StartService("v1")
		if err != nil {
			t.Fatal(err)
		}
		out := hang(t.Context(), t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-out; err == nil {
			t.Error("a closed service gave an answer")
		}
	})
}

func TestServiceCloseFreesThePort(t *testing.T) {
	s, err := StartService("v1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := StartServiceAt("v2", s.Address()); err == nil {
		t.Error("two services listen on one port")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", s.Address())
	if err != nil {
		t.Fatalf("the port of a closed service: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until a condition holds that other goroutines bring about.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	late := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatal("it did not happen within ten seconds")
		}
	}
}
