// Package stage has what end-to-end tests do around the built program: run it, Envoys
// of its and a load, each until the test ends. And it ends what tests share.
//
// A test that fails shows what its processes said. A server fails the test when it
// did not end well or has a data race, whether the test looks for that or not.
package stage
