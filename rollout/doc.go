// Package rollout is the canary state machine, and nothing else: it says what
// the weights should be, and why.
//
// It is pure. It reads no clock, starts nothing, writes nowhere and knows
// neither Envoy nor Kubernetes. Time and news come in as an [Event] together
// with the instant; what is to be done leaves as [Effects]. Whoever calls
// [Step] owns the [State] and must call it from one goroutine at a time.
//
// A step works in two halves. The first decides: from the state and the event
// it derives [Record]s, each one fact about the rollout ("the weight was set to
// 20%", "aborted by ana: too slow"). The second applies: [State.Apply] folds a
// record into the state. The records are the journal, so folding a journal over
// the zero State gives the state again.
//
// What always holds:
//
//  1. The canary's weight is never above what the current step allows, and the
//     weights of stable, canary and what is beside it sum to [Total].
//  2. An abort is followed by weight 0 in the very effects of the event that
//     said it, whatever the fleet, the endpoints or the pauses are.
//  3. A weight is raised only while the canary has a ready endpoint and every
//     Envoy that is waited for has accepted what it was sent before, at least
//     one of them being connected. Lowering a weight waits for nothing. Both
//     hold for versions beside the canary, too.
//  4. A version that failed is not tried again unless a person says retry or
//     the wanted version changes.
//  5. Versions that have left traffic stay named in the split's Retired until
//     the fleet has settled on routes without them.
//  6. A version beside the canary has traffic only while the check of a step
//     waits for its answer: whatever ends the check takes it away in the same
//     record.
package rollout
