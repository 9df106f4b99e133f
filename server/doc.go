// Package server is Serin over HTTP: the API under /api/v1 that the command
// line and scripts use, the stream of events, the metrics and the health probes.
//
// Make a [Server] with [New] and let it accept with [Server.Run]; it holds no
// state of Rollouts and asks a [Control] for everything. [Server.Handler] is the
// same without a listener, for a server that is part of another program.
//
// What always holds:
//
//  1. Reading needs no token. Acting needs one as soon as one is configured, and
//     always on a listener that others than this machine can reach.
//  2. A listener of this machine answers the API only under a name of this
//     machine, and acts only on requests that no foreign page has sent, so that a
//     page in a browser can neither read nor act.
//  3. Every answer that is not a success is a problem of RFC 9457, also for
//     unknown paths and methods.
//  4. An action is answered when it is stored and sent, or has changed nothing.
package server
