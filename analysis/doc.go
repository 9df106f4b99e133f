// Package analysis holds the judges: they compare a canary with stable on what
// Envoys report, and say whether the canary is worse.
//
// The guard, [ErrorRate], is the judge that every canary has. It reads the
// stream of failing requests, one at a time, and keeps an e-process: a number
// that starts at 1 and that, while the canary fails at most 1+margin times as
// often as stable, is not expected to grow, whatever the failure rates do over
// time. By Ville's inequality the chance that it ever reaches 1/alpha is at
// most alpha. So the guard may be asked after every failure, for as long as a
// rollout takes, and the promise still holds.
//
// Use: one ErrorRate a canary. Call [ErrorRate.Requests] with the request
// counts known so far, then [ErrorRate.Failure] for each failure of a batch in
// its order of arrival, then [ErrorRate.Verdict] once for the batch. Call
// [ErrorRate.Step] when a later planned weight comes into force. Store its
// JSON beside the rollout's state; what is decoded from it goes on exactly
// where it was.
//
// The promise rests on what the caller feeds:
//
//  1. Envoy draws the version of each request at random and anew. Failures of
//     requests that were routed by header, cookie or hash are left out.
//  2. A request is at most one failure: the final answer after all retries.
//  3. Whether, when and in which order a failure arrives does not depend on its
//     version. A flood may be thinned a stream, never a cluster, and a batch is
//     taken as a whole: no verdict is asked for in its middle.
//  4. The weight of a failure is the largest canary weight that may have been
//     in force where and when its request was routed.
//
// Everything here is pure: no clock, no context, no logger, no goroutine, no
// I/O. Values are not safe for concurrent use; the goroutine that owns a
// rollout owns its judges.
package analysis
