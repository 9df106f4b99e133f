// Package kind holds the demo in a cluster of kind: run.sh makes one, installs
// Serin, an Envoy edge fleet and a sample service in it, and plays a good and a bad
// rollout. It has no Go but the tests that apply its manifests to a real API server.
package kind
