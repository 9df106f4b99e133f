// Package admission answers the API server of a cluster that asks whether an object
// may be written: a validating webhook with the findings of `serin validate`.
//
// [Handler] is the webhook at [Path]; [Serve] runs it on a listener by TLS. It needs
// nothing of the cluster and knows no state, so every server of a cluster answers,
// also one that waits to lead. What always holds:
//
//  1. An object is judged by itself: what is wrong between objects depends on the
//     order in which they are written, and is shown in the status.
//  2. A finding that is an error refuses the object, and the message has every
//     finding. Warnings alone let it pass, each as a warning of the API server.
//  3. Refused is only what changes what an object asks for. A change of metadata or
//     of the status passes whatever is wrong, and so does everything about an object
//     that is being deleted: what was there before the webhook can be removed.
//  4. What Serin leaves alone passes: kinds that it does not know, and blueGreen
//     Rollouts of argoproj.io.
//  5. Each connection has the certificate that was the newest when it began.
package admission
