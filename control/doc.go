// Package control is the loop that joins the parts: it takes in objects,
// reports, acks and actions, plays the rollout machines, and hands out
// resources and states.
//
// One goroutine, [Control.Run], owns all rollout state, the translation to
// resources and the counts; nothing of it is guarded by a lock because nobody
// else touches it. Everybody else sends it messages: the xDS server its reports
// ([Control.Failures], [Control.Load], [Control.Metrics]), discovery its objects
// ([Control.Objects]), the HTTP server its questions and actions. The loop is
// driven by those, by the fleet's news and by the next timer; it polls nothing.
//
// A turn of the loop takes what has come, plays it, translates once, and hands
// the changed resources to the fleet. What always holds:
//
//  1. A division of traffic that raises a canary is in the store before it is
//     handed to the fleet. One that lowers it is handed over in the same turn,
//     and stored beside.
//  2. What the fleet is told to accept, and what is counted as accepted, is the
//     division that was handed over last, never one that still waits for the
//     store.
//  3. A batch of failures is judged as a whole.
package control
