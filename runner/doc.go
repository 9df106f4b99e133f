// Package runner runs the Experiments and AnalysisRuns that stand as objects in a
// Kubernetes cluster, whoever made them: their ReplicaSets and Services, their
// measurements and their ends.
//
// A [Runner] is shown objects with [Runner.See], as the API server gives them, and
// with [Runner.Objects] the templates and Secrets that they name. The Experiments of
// Rollouts' steps it makes itself: [Runner.Want] says which a Rollout wants now, and
// [Options.Report] tells how they stand. What is to be done when is decided by
// analysis/run and analysis/experiment; here it is done.
//
// The analyses that a Rollout asks for itself are not run here but by its control
// loop: their objects only show them.
//
// # What always holds
//
//   - An object's status is all state. A runner that takes over goes on from it;
//     measurements that were under way are taken again.
//   - Each template of an Experiment is a version of its own, with a hash that no
//     other has, also where two templates or a Rollout have equal pods. So its pods
//     get no traffic but what is meant for them, and what is measured of them is
//     theirs alone.
//   - ReplicaSets, Services and AnalysisRuns of an Experiment are owned by it and go
//     with it. What another has made is never changed, but for an Experiment of Argo
//     Rollouts' own controller, whose ReplicaSets are taken over.
//   - Pods of an ended Experiment go when its scaleDownDelaySeconds are over and no
//     Envoy may use them.
//   - An Experiment that its Rollout does not want any more is terminated.
//   - Nothing polls: watches, Want and the end of a delay lead to a look at an object.
//
// Everything may be called from any goroutine. Who leads is decided elsewhere: Run
// is for the one who does.
package runner
