// Package run is the state machine of an AnalysisRun: which metric is measured
// when, what a value means, and how the run ends. The rules are those of Argo
// Rollouts 1.10; where they differ on purpose it is said at the function.
//
// Use: [Flatten] and [Merge] make a run's spec of templates and arguments. Then,
// with a status that begins empty, call [Next] when something happened or the
// time it gave last has come. For each [Task] fill in the arguments with
// [Resolve], get the value from a provider, judge it with [Judge], and give the
// result to [Measured]; then ask Next again. [Ended] says when nothing more
// comes, [Stop] ends a run early, and [Interrupted] is for a process that starts
// with the status of one before it.
//
// What always holds:
//
//  1. The status is all state. One that went through JSON in the middle of a run
//     goes on, to the second, as if it had not.
//  2. At most one measurement of a metric is under way. It is the last of the
//     metric's measurements, with the phase Running.
//  3. A run ends once. What comes later changes nothing.
//  4. Values of secrets are in no spec and in no status.
//  5. No function changes what it is given; a status comes back as a new one.
//
// Everything here is pure and safe for concurrent use: time comes in as an
// argument, and there is no context, no logger, no goroutine and no I/O.
package run
