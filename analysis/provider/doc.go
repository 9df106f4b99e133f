// Package provider gets the values of metrics from where they are: a Prometheus
// server, any web address, a Kayenta server, a job, and what the proxies
// themselves report.
//
// Use: [New] makes a [Set] with what the process can offer. [Set.Take] does one
// task of an analysis from arguments to verdict; [Set.Measure] gives the bare
// value of a metric whose arguments are filled in. Both may be called from any
// goroutine, as many at a time as one likes. [Set.Close] gives connections back.
//
// What always holds:
//
//  1. A call ends soon after its context is done, and within the metric's own
//     timeout. Nothing is retried: when to measure again is the run's business.
//  2. An answer is read to a limit, 16 MB, so that a source that gives too much
//     is an error like others.
//  3. What a source says that is not understood is an error. Nothing is guessed:
//     an empty answer is no data, which the run's rules judge.
//  4. Nothing is logged. Errors may hold what was sent, secrets included; Take
//     keeps them out of results.
package provider
