// Package e2e holds the end-to-end tests: the built program, real Envoys, real
// requests. Nothing in them is a double, and a missing part fails them.
//
// A rig is one Serin, some Envoys and one application on this machine. Tests
// wait for what Serin's event stream says and for what a client sees, never for
// a while.
package e2e
