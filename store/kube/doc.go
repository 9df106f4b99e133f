// Package kube keeps what must outlive a crash in a Kubernetes API server: the
// same as package store does in a file, for servers that run in a cluster.
//
// Each Rollout has a ConfigMap in the namespace of the server, with its state and
// the newest lines of its journal; what is of the whole server has one more. So a
// Rollout's state and its journal are written as one, and the rights that it takes
// are those on the ConfigMaps of one namespace.
//
// Beside that it shows: [Statuses] in the status of Rollouts, [Events] of what was
// journaled, [Runs] as AnalysisRun objects. Nothing of those is ever read back.
//
// What always holds:
//
//  1. A write is durable when its Done is called, and one that fails is told to
//     Failed and tried again, until it succeeds or Run ends. The writes of one
//     Rollout are made in their order; those of different ones beside each other.
//  2. Nothing is overwritten that another server has written since [Store.Load]:
//     the API server refuses it, Run ends with [ErrSuperseded], and no write is
//     durable any more. So of two servers that both believe to lead, one goes on.
//  3. Evidence alone, without a line of the journal, may be written some seconds
//     late: losing it can only make a guard slower.
package kube
