// Package kube is the source of objects in a cluster: the same objects as a
// folder of files gives, from the Kubernetes API, with the shape of
// discovery.Folder.
//
// What keeps the watches is client-go's reflector, the part of an informer that
// lists, follows and resumes; an informer's own cache would hold each object a
// second time.
//
// Load begins to watch and gives the first set, when everything that the API
// serves has been read. Run then calls out with a Result a change set, from its
// own goroutine, one at a time: what came in while the last call ran is one
// Result. Changed and Removed hold exactly what differs, and nothing is decoded
// or checked again but what changed and what rests on it. Run ends what Load
// began; where Run is not called, Close does. Load and Run of one Source must
// not run at the same time.
//
// # What always holds
//
//  1. A Result has Objects, whatever is wrong, and an unchanged object is the
//     same pointer as before. A change of status, or of another field that Serin
//     does not read, is none.
//  2. The maps of a Result are never written again, but for EndpointSlices:
//     that one may be read until the call with the next Result has returned. It
//     is written over then, so that the change of one slice does not cost a copy
//     of all.
//  3. An object is removed when the API says that it is gone, and for nothing
//     else: an API server that restarts, or does not answer, removes nothing.
//
// # What is refused
//
// One team's mistake stops nobody else, so an error refuses its own object and
// nothing more. Findings name the place as kubectl does, such as
// "rollout.serin.dev shop/cart".
//
//   - An object with an error of its own stays as it was last accepted; where it
//     never was, it is not in the set.
//   - What an object refers to may come later or be gone: objects are created in
//     any order. Such a finding, be its code an E (a route to a Service that is
//     not there, an analysis without its template, a Release without a member),
//     refuses nothing: the object is in the set.
//   - Of two Rollouts for one Service the one created first has it, by name
//     where both are as old. The other stays as it was last accepted, unless
//     that wants the Service too.
//   - Of two objects of one kind and name, one of serin.dev and one of
//     argoproj.io, that of serin.dev counts.
//   - A Rollout whose workload is not there stays as it was, too: without its
//     template it has no version.
//   - A Rollout of argoproj.io with strategy.blueGreen is not seen at all, and
//     neither are endpoints by host name and slices without a Service.
//
// # Versions
//
// The version of a Rollout is api.PodTemplateHash of its template, or of that of
// the Deployment, ReplicaSet or PodTemplate in its workloadRef. The version of an
// endpoint is the label api.LabelPodTemplateHash of its pod. Kubernetes mixes
// pods of all versions in a slice, so the set has slices of its own making: for
// the slice NAME one per version, NAME@HASH, and NAME itself, without a version,
// for endpoints whose pod has no such label or is not known yet.
//
// # What is read
//
// Gateways, HTTPRoutes, Services, EndpointSlices and Serin's own kinds; Argo
// Rollouts' where Options.AdoptArgo says so. Of pods the metadata alone, and only
// of those with the label above. Of Secrets those that objects name, each by a
// watch of its own name, so that Serin neither holds nor may read any other; the
// same for workloads. Kinds that the API server does not serve are looked for
// every Options.Look, and read from when they are.
//
// What is kept of each object is what Serin reads: no managed fields, no status,
// no last-applied configuration. A Rollout has of its status what it said when it
// was first read: which version was stable, which was wanted and whether that was
// aborted. Who runs it from now on goes on from there.
package kube
