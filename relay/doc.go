// Package relay lets several servers serve one fleet. One leads: it decides, and
// the others, which stand by, have their Envoys do what it says and pass on what
// they report.
//
// A process has one [Node] around its xds.Server. As long as another process
// leads, [Node.Follow] keeps a stream to that one, on its port for Envoys. When
// the process leads itself, [Node.Lead] gives the [Fleet] that package control
// works with: its own Envoys and those of all who follow, as if they were one
// server's. The Node is told by [Node.Heed] whom the lease names.
//
// A message to a follower is a change of a Gateway's resources, or a Requirement
// that the follower is to count; a message to the leader is such a count, who has
// come and gone, or a report. A count is made where the Envoys are and sent when
// it has changed, so that its size does not depend on their number.
//
// # What always holds
//
//  1. A follower applies what a leader says only while the lease, as this process
//     read it last, names that leader in that term. It reads the lease in order, so
//     from the moment at which it has heard of a newer leader nothing of an older
//     one reaches an Envoy.
//  2. A follower that comes gets the whole target first, and what it has beyond
//     that is removed only when it has all of it. Until the first target an Envoy is
//     not answered; without a leader Envoys keep what they have.
//  3. Changes and Requirements reach each follower in the order in which the leader
//     made them, so a count says what was accepted of that change or a later one.
//  4. Reports of one stream of an Envoy reach the leader in their order, at once.
//     While the leader reads slowly the streams wait, all arms alike; while there is
//     none, reports are dropped.
//  5. Whoever follows and has not answered a Requirement yet counts as waiting with
//     all its Envoys of the Gateways concerned, and the fleet is not settled. One
//     that says nothing for the time in which Envoys must acknowledge is in
//     quarantine, Envoys and all.
//  6. The Envoys of a follower that is lost count as away, as if each of them had
//     been lost, until they are at another server or the time for that is over. An
//     Envoy that changes servers is counted once.
//  7. Who takes over keeps the resources that its Envoys have: what the new leader
//     says anew and is equal is not sent, and what it does not say is removed when
//     it has said all ([Fleet.Complete]).
//
// # Trust
//
// With mutual TLS a peer is whoever has a certificate with the first DNS name of
// this process's own: all servers have the same, and Envoys have another. Without
// TLS everybody is believed, as every Envoy is.
package relay
