// Package xds serves Envoy: configuration by the aggregated discovery service,
// over delta and over state of the world, and on the same port the services
// that Envoys report to: access logs, load reports and metrics.
//
// Make a [Server] with [New], give it every Gateway's resources with
// [Server.Apply], and only then let it accept clients with [Server.Run]: a
// server that answers before it knows its state would wipe a fleet. Apply may
// be called at any time after that. [Server.Require] and [Server.Progress] tell
// whether the fleet has accepted what was applied, and [Server.Changed] when to
// ask again.
//
// # Delivery
//
// There are no phases that the fleet goes through together. What a client is
// sent next is a function of two things: the target resources of its Gateway,
// and what this client has been sent and has accepted. Each stream is served
// alone, so a slow client delays nobody. What always holds:
//
//  1. A response is built when it is written, from the newest target. A client
//     that reads slowly skips what came between, and an abort overtakes a raise
//     that was not written yet. At most one response of a type waits for its
//     turn, however many changes there were.
//  2. A change does not wait for the answer to an earlier response, of the same
//     type or of another.
//  3. A route is sent only when the client has accepted every cluster that the
//     route names and the target has, and, if it takes weights as runtime keys,
//     every key that the route reads, at the weight that the target has, with
//     none in flight that says otherwise. Until then it keeps the route it has.
//     Envoy accepts a cluster only when the cluster is warm.
//  4. A cluster that left the target leaves a client when no route that the
//     client was sent or accepted names it any more, and [Options].Drain has
//     passed since.
//  5. A version that a client rejected is not sent to it again. A response is
//     rejected as a whole: all names that it would have changed keep the version
//     they had.
//  6. A client that comes back with what the target holds is sent nothing again,
//     but always something: only a message resets its reconnect backoff.
//
// A resource is encoded once and shared by all who get it. A stream stores a
// name only while the client's version of it differs from the target's, besides
// the names that the client subscribed to by name.
//
// # Locks
//
// Each Gateway has a lock over its target and its clients, each stream one over
// its own state, taken in this order; of two streams of one node the newer
// first. The order in which something happened to the clients has a lock that
// is taken last. No lock is held while a message is read or written, or a [Sink] called.
package xds
