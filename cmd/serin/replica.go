package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"sync/atomic"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/serin-mesh/serin/relay"
	"github.com/serin-mesh/serin/server"
	"github.com/serin-mesh/serin/store"
	"github.com/serin-mesh/serin/xds"
)

// replica is one server of several: it serves Envoys whether it leads or follows.
type replica struct {
	node      *relay.Node
	envoys    *xds.Server
	reports   *relay.Sink
	listeners *listeners
	identity  string // in the lease

	takesOver atomic.Bool // it has the lease, and loads what it needs to lead
}

// newReplica binds the addresses of a server; nothing is answered yet.
func newReplica(ctx context.Context, o serveOptions) (*replica, error) {
	own, err := o.XDSTLS.read(o.Log)
	if err != nil {
		return nil, err
	}
	l, err := listenBoth(ctx, o)
	if err != nil {
		return nil, err
	}
	name, err := os.Hostname()
	if err != nil {
		l.close()
		return nil, fmt.Errorf("naming the server for the lease: %w", err)
	}
	r := &replica{listeners: l, reports: &relay.Sink{}}
	at := func(l net.Listener) string { return reachable(o.Cluster.Advertise, l.Addr(), name) }
	r.identity = relay.Holder(name+"_"+uuid.NewString(), at(l.xds))
	r.node = relay.New(relay.Options{Secure: toPeers(own), HTTP: at(l.http), AckTimeout: o.AckTimeout, AwayTimeout: o.AwayTimeout, Log: o.Log})
	r.envoys = xds.New(xds.Options{
		Sink: r.reports, Log: o.Log, TLS: toEnvoys(own), Services: []func(grpc.ServiceRegistrar){r.node.Register},
		AckTimeout: o.AckTimeout, AwayTimeout: o.AwayTimeout, Drain: o.Drain,
	})
	r.node.Serve(r.envoys)
	return r, nil
}

// reachable gives where others reach a listener: at the host advertised, else at
// the one that it is bound to, else at the host's name.
func reachable(advertised string, bound net.Addr, name string) string {
	host, port, err := net.SplitHostPort(bound.String())
	if err != nil {
		return bound.String()
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = ""
	}
	return net.JoinHostPort(cmp.Or(advertised, host, name), port)
}

// serve answers Envoys, and who follows, from when there is a target.
func (r *replica) serve(ctx context.Context) error {
	select {
	case <-r.node.Synced():
	case <-ctx.Done():
		return nil
	}
	return r.envoys.Run(ctx, r.listeners.xds)
}

// serving gives the Envoys of all servers to the one that leads.
func (r *replica) serving(ctx context.Context, saved store.Saved) func(xds.Sink) served {
	return func(reports xds.Sink) served {
		var expected = saved.Envoys.ByGateway()
		if len(saved.Rollouts) == 0 {
			expected = nil
		}
		fleet := r.node.Lead(ctx, expected, reports)
		r.reports.Set(reports)
		return served{fleet, func(ctx context.Context, _ net.Listener) error {
			fleet.Complete()
			<-ctx.Done()
			return nil
		}}
	}
}

// handler answers for a server that does not lead yet: whether it serves Envoys, and
// what the leader says to everything else.
func (r *replica) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, req *http.Request) {
		select {
		case <-r.node.Synced():
			fmt.Fprintln(w, "ok")
		default:
			server.Refuse(w, req, http.StatusServiceUnavailable, r.why("this server has not heard from a leader yet"))
		}
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprint(w, "# HELP serin_leader Whether this server leads.\n# TYPE serin_leader gauge\nserin_leader 0\n")
	})
	mux.Handle("/", http.HandlerFunc(r.pass))
	return mux
}

// why says why something is not answered now: what is given, unless this server is
// about to lead.
func (r *replica) why(follows string) string {
	if r.takesOver.Load() {
		return "this server takes over and loads its state; try again"
	}
	return follows
}

// pass hands a request on to the leader. Who may act there without a token, being
// on the leader's machine, has to be on this one too.
func (r *replica) pass(w http.ResponseWriter, req *http.Request) {
	leader := r.node.LeaderHTTP()
	if leader == "" {
		w.Header().Set("Retry-After", "1")
		server.Refuse(w, req, http.StatusServiceUnavailable, r.why("this server follows, and there is no leader now; try again"))
		return
	}
	reads := req.Method == http.MethodGet || req.Method == http.MethodHead
	if ip, err := netip.ParseAddrPort(req.RemoteAddr); !reads && req.Header.Get("Authorization") == "" && (err != nil || !ip.Addr().Unmap().IsLoopback()) {
		server.Refuse(w, req, http.StatusUnauthorized, "give a token")
		return
	}
	proxy := httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(&url.URL{Scheme: "http", Host: leader})
		p.Out.Host = p.In.Host // the leader checks it
		p.SetXForwarded()
	}, ErrorHandler: func(w http.ResponseWriter, req *http.Request, err error) {
		server.Refuse(w, req, http.StatusBadGateway, "the leader does not answer: "+err.Error())
	}}
	proxy.ServeHTTP(w, req)
}
