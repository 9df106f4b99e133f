// Package workload looks after the pods of Rollouts in a Kubernetes cluster: their
// ReplicaSets, how many pods each has, and the Jobs of analyses.
//
// A [Workload] is told with [Workload.Want] what is wanted for each Rollout, and
// tells with [Options.Report] how its pods are. The ReplicaSets are Argo Rollouts'
// own: named and labelled by the hash of the pod template, with its annotations, so
// that its kubectl plugin shows them, and that those which Argo made are taken over.
//
// # Who has how many pods
//
//   - The stable version has all of spec.replicas. With dynamicStableScale, those
//     that the traffic which is known to have left it does not need go, and are back
//     at once when there is no canary any more.
//   - The canary has what its weight needs, rounded up, or what setCanaryScale says;
//     minPodsPerReplicaSet raises what a weight gives. It shrinks only as far as what
//     any Envoy may still send it allows, but a setCanaryScale is followed as it is.
//   - Any other version keeps what it has while it is in [Wanted.Busy], and has none
//     after that. scaleDownDelaySeconds and abortScaleDownDelaySeconds, where they
//     are set, are the least that it keeps them for; an abortScaleDownDelaySeconds
//     of 0 is for ever.
//
// Traffic goes from version to version by weight, so maxSurge has no meaning: a
// canary is on top of a full stable version, and pods of a version go when nobody
// uses them. maxUnavailable is how many pods a restart may take at a time.
//
// # What always holds
//
//   - Nothing waits here for anything else: a version whose pods cannot be made
//     keeps no other from being scaled, and a change of replicas is only that.
//   - Pods are said to be met only for the very [rollout.Need] that was asked for,
//     and counted after the ReplicaSet's controller had seen its number.
//   - A write names the state of the object that it was decided on, and fails when
//     somebody else has scaled that since; then it is decided anew on what is there.
//     Only fields of ours are written.
//   - Nothing polls. Watches, Want and the end of a delay lead to a look at a
//     Rollout; an idle cluster gets no request.
//   - The ReplicaSet of a version exists, without pods, before anybody hears of the
//     version: its name is settled then.
//
// Everything may be called from any goroutine. Who leads is decided elsewhere: Run
// is for the one who does.
package workload
