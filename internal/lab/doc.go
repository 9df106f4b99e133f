// Package lab is a fleet on one machine: real Envoys, small versioned services,
// a folder of objects and a load, all on loopback. The demo, the end-to-end
// tests and the benchmarks stand on it, so that all three measure the same
// things in the same way.
//
// The parts know nothing of each other and nothing of the control plane:
//
//   - [Service] is one version of an application. It can be told to fail, to be
//     slow, to hang or to reset while it runs, and notes when it first did.
//   - [Folder] writes the objects that describe the services.
//   - [Envoy] is one real Envoy; it takes any bootstrap. [FindEnvoy] finds the
//     binary.
//   - [Load] sends requests at a constant rate and counts who answered what.
//
// Everything may be called from any goroutine. Whoever starts a part ends it:
// Close, Stop and the end of a Run's context leave no goroutine, no process and
// no open port behind, also when the part has failed. An Envoy ends with its
// parent on Linux even when the parent is killed.
//
// What always holds: a request is counted once, by its final answer; nothing is
// sent twice, so that a failure cannot hide behind a repetition.
package lab
