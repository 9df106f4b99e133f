package server

import (
	"html"
	"io"
	"net/http"
	"strings"
)

// policy lets the index load nothing from anywhere, and be framed by nobody.
const policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

// places are what the index lists.
var places = []struct{ method, path, what string }{
	{"GET", "/api/v1/rollouts", "all Rollouts of a namespace, with their status; ?namespace=* for all namespaces"},
	{"GET", "/api/v1/rollouts/NAME", "one Rollout"},
	{"GET", "/api/v1/rollouts/NAME/history", "its journal"},
	{"GET", "/api/v1/rollouts/NAME/explain", "the last decision with its evidence, what it waits for, and what can be done now"},
	{"GET", "/api/v1/rollouts/NAME/analysisruns", "its analyses, with their measurements"},
	{"POST", "/api/v1/rollouts/NAME/{promote,pause,resume,abort,retry,rollback,freeze,unfreeze}", "actions"},
	{"GET", "/api/v1/releases", "all Releases of a namespace"},
	{"GET", "/api/v1/releases/NAME", "one Release and its Rollouts"},
	{"POST", "/api/v1/releases/NAME/{promote,pause,resume,abort,retry,rollback,freeze,unfreeze}", "actions on all its Rollouts"},
	{"POST", "/api/v1/{freeze,unfreeze}", "hold all Rollouts, or let them go"},
	{"GET", "/api/v1/fleet", "each Envoy, and what it has accepted"},
	{"GET", "/api/v1/events", "changes as they happen, as server-sent events"},
	{"GET", "/metrics", "metrics for Prometheus"},
	{"GET", "/healthz", "whether the program runs"},
	{"GET", "/readyz", "whether it is ready to serve"},
}

// index says what is where.
func index(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	_, _ = io.WriteString(w, indexPage) // a client that went away is nobody to tell
	return nil
}

// indexPage never changes while the program runs.
var indexPage = func() string {
	var b strings.Builder
	b.WriteString("<!doctype html><html lang=en><meta charset=utf-8><title>Serin</title>" +
		"<style>body{font:16px/1.6 system-ui;margin:2em}td{padding-right:1.5em}</style>" +
		"<h1>Serin</h1><p>A canary-rollout control plane for Envoy. What this address answers:</p><table>\n")
	for _, p := range places {
		path := "<code>" + html.EscapeString(p.path) + "</code>"
		if p.method == "GET" && !strings.Contains(p.path, "NAME") {
			path = `<a href="` + p.path + `">` + path + "</a>"
		}
		b.WriteString("<tr><td>" + p.method + "<td>" + path + "<td>" + html.EscapeString(p.what) + "\n")
	}
	b.WriteString("</table><p>On the command line: <code>serin get rollouts</code></p></html>\n")
	return b.String()
}()
