package lab

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// host gives the host and port of a test server.
func host(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

// run runs a load until a condition on its counts holds, and gives the counts
// after its end.
func run(t *testing.T, o LoadOptions, until func(Counts) bool) Counts {
	t.Helper()
	l, err := NewLoad(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	eventually(t, func() bool { return until(l.Counts()) })
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return l.Counts()
}

func requests(n uint64) func(Counts) bool {
	return func(c Counts) bool { return c.Requests >= n }
}

func TestLoadCountsWhoAnsweredWhat(t *testing.T) {
	var served [2]atomic.Uint64
	var turn atomic.Uint64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "shop.example" || r.URL.RequestURI() != "/a?b=c" || r.Header.Get("X-User") != "7" {
			t.Errorf("got %s %s, user %q", r.Host, r.URL, r.Header.Get("X-User"))
		}
		if turn.Add(1)%4 == 0 {
			served[1].Add(1)
			w.Header().Set(VersionHeader, "v2")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		served[0].Add(1)
		w.Header().Set(VersionHeader, "v1")
	}))
	defer server.Close()
	got := run(t, LoadOptions{
		Targets: []string{host(server)}, Host: "shop.example", Path: "/a?b=c",
		Header: http.Header{"X-User": {"7"}}, Rate: 2000,
	}, requests(400))

	good, bad := served[0].Load(), served[1].Load()
	want := Counts{
		Tally:     Tally{good + bad, bad},
		ByVersion: map[string]Tally{"v1": {good, 0}, "v2": {bad, bad}},
		ByStatus:  map[int]uint64{200: good, 503: bad},
		ByTarget:  map[string]Tally{host(server): {good + bad, bad}},
	}
	ignore := cmp.FilterPath(func(p cmp.Path) bool {
		switch p.String() {
		case "FirstFailure", "LastFailure", "Latency":
			return true
		}
		return false
	}, cmp.Ignore())
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("the counts differ from what the server saw (-want +got):\n%s", diff)
	}
	if got.FirstFailure.IsZero() || !got.FirstFailure.Before(got.LastFailure) {
		t.Errorf("the failures were from %s to %s", got.FirstFailure, got.LastFailure)
	}
}

func TestLoadKeepsItsRate(t *testing.T) {
	s := start(t, "v1")
	began := time.Now()
	got := run(t, LoadOptions{Targets: []string{s.Address()}, Rate: 1000}, requests(300))
	// The schedule is a bound from above whatever the machine does.
	if most := uint64(time.Since(began).Seconds()*1000) + 1; got.Requests > most {
		t.Errorf("%d requests, at most %d were due", got.Requests, most)
	}
	if got.Requests != s.Requests() || got.Failed != 0 {
		t.Errorf("the load counted %d and %d failed, the service %d", got.Requests, got.Failed, s.Requests())
	}
}

func TestLoadGoesOnWhileAnswersHang(t *testing.T) {
	s := start(t, "v1")
	s.Set(Fault{Hang: true})
	var once sync.Once
	got := run(t, LoadOptions{Targets: []string{s.Address()}, Rate: 500, Connections: 2}, func(c Counts) bool {
		// Two connections hang; that more requests come shows that others
		// were opened. Then all are let go.
		if s.Requests() >= 50 {
			once.Do(func() { s.Set(Fault{}) })
		}
		return c.Requests >= 50
	})
	if got.Failed != 0 {
		t.Errorf("%d requests failed: %v", got.Failed, got.LastError)
	}
	// The first request waited until the fiftieth was due: 98 ms.
	if q := got.Latency.Quantile(1); q < 90*time.Millisecond {
		t.Errorf("the longest wait is %s: the time that requests hung is not in it", q)
	}
}

func TestLoadCountsFromWhenARequestWasDue(t *testing.T) {
	release := make(chan struct{})
	var got []Result
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	var once sync.Once
	due := time.Now()
	run(t, LoadOptions{
		Targets: []string{host(server)}, Rate: 1000, Connections: 1, MaxConnections: 1,
		Observe: func(r Result) { mu.Lock(); defer mu.Unlock(); got = append(got, r) },
	}, func(c Counts) bool {
		if time.Since(due) > 100*time.Millisecond {
			once.Do(func() { close(release) })
		}
		return c.Requests >= 10
	})
	mu.Lock()
	defer mu.Unlock()
	for i, r := range got[:10] {
		if r.Scheduled.Add(r.Took).Before(r.Sent) {
			t.Errorf("request %d was due at %s, sent at %s and took only %s", i, r.Scheduled, r.Sent, r.Took)
		}
		if r.Took < 50*time.Millisecond {
			t.Errorf("request %d had to wait for the only connection and took %s", i, r.Took)
		}
	}
}

func TestLoadCountsRequestsWithoutAnswer(t *testing.T) {
	t.Run("nobody listens", func(t *testing.T) {
		s, err := StartService("v1")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		got := run(t, LoadOptions{Targets: []string{s.Address()}, Rate: 1000}, requests(20))
		unanswered(t, got)
	})
	t.Run("the connection breaks", func(t *testing.T) {
		s := start(t, "v1")
		s.Set(Fault{FailRatio: 1, Reset: true})
		got := run(t, LoadOptions{Targets: []string{s.Address()}, Rate: 1000}, requests(20))
		unanswered(t, got)
		if got.Requests != s.Requests() {
			t.Errorf("%d results and %d requests: one was sent twice", got.Requests, s.Requests())
		}
	})
	t.Run("the answer is late", func(t *testing.T) {
		s := start(t, "v1")
		s.Set(Fault{Hang: true})
		got := run(t, LoadOptions{Targets: []string{s.Address()}, Rate: 1000, Timeout: 20 * time.Millisecond}, requests(20))
		unanswered(t, got)
	})
}

// unanswered checks that no request had an answer.
func unanswered(t *testing.T, got Counts) {
	t.Helper()
	if got.Errors != got.Requests || got.Failed != got.Requests || got.ByStatus[0] != got.Requests || got.LastError == nil {
		t.Errorf("got %d errors, %d failed, statuses %v of %d requests, last error %v",
			got.Errors, got.Failed, got.ByStatus, got.Requests, got.LastError)
	}
}

func TestLoadConnectsAgain(t *testing.T) {
	s := start(t, "v1")
	s.Set(Fault{FailRatio: 1, Reset: true})
	healed := false
	got := run(t, LoadOptions{Targets: []string{s.Address()}, Rate: 1000, Connections: 2}, func(c Counts) bool {
		if c.Errors >= 10 && !healed {
			healed = true
			s.Set(Fault{})
		}
		return c.ByStatus[200] >= 50
	})
	if got.Errors < 10 {
		t.Errorf("%d errors, want ten at least", got.Errors)
	}
}

func TestLoadSpreadsOverItsTargets(t *testing.T) {
	a, b := start(t, "v1"), start(t, "v2")
	got := run(t, LoadOptions{Targets: []string{a.Address(), b.Address()}, Rate: 1000, Connections: 4}, requests(200))
	for _, s := range []*Service{a, b} {
		if n := got.ByTarget[s.Address()].Requests; n < 50 || n != s.Requests() {
			t.Errorf("%d requests to %s of %d, which counted %d", n, s.Version(), got.Requests, s.Requests())
		}
	}
}

func TestNewLoadRefuses(t *testing.T) {
	for name, o := range map[string]LoadOptions{
		"no target": {Rate: 1},
		"no rate":   {Targets: []string{"127.0.0.1:1"}},
		"negative":  {Targets: []string{"127.0.0.1:1"}, Rate: -1},
	} {
		if _, err := NewLoad(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestFreePorts(t *testing.T) {
	ports, err := FreePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, port := range ports {
		if seen[port] {
			t.Errorf("port %d was given twice", port)
		}
		seen[port] = true
		l, err := net.ListenTCP("tcp", &net.TCPAddr{Port: port})
		if err != nil {
			t.Errorf("port %d is not free: %v", port, err)
			continue
		}
		if bindable(port) {
			t.Errorf("port %d counts as free while somebody listens", port)
		}
		_ = l.Close()
	}
}
