// Package experiment is the state machine of an Experiment: how many pods each of
// its templates is to have, when its analyses begin, and how it ends. The rules are
// those of Argo Rollouts 1.10; where they differ on purpose it is said at the
// function.
//
// Use: call [Next] with a status that begins empty when something happened, or the
// time that its [Plan] gave last has come; bring the pods and the analyses in line
// with the plan. [Assess] is for who has no pods: it says what the analyses of an
// experiment come to.
//
// What always holds:
//
//  1. The status is all state. One that went through JSON in the middle of an
//     experiment goes on as if it had not.
//  2. No analysis begins before all templates had their pods at one time.
//  3. An experiment ends once. What comes later changes its counts, not its phase.
//  4. Pods that somebody may still use stay: a template that is held is not scaled
//     down, however long ago the experiment ended.
//  5. No function changes what it is given; a status comes back as a new one.
//
// Everything here is pure and safe for concurrent use: time comes in as an
// argument, and there is no context, no logger, no goroutine and no I/O.
package experiment
