// Package stats turns what Envoys report into counts per service, version and
// time window.
package stats
