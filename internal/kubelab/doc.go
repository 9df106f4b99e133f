// Package kubelab is a Kubernetes cluster on one machine: a real etcd, a real
// API server and the real controllers, and nodes that are played. Tests and
// benchmarks that need Kubernetes stand on it.
//
//   - [Cluster] is the control plane. Authorization is RBAC, users are tokens, and
//     the API server can be ended and started again under the same address.
//   - [Kubelet] plays scheduler and nodes: it binds pods, gives each an address
//     of its own, runs what a [Backend] starts there, and reports to the API
//     server what a kubelet would. [HTTP] is a backend in the test's own process.
//   - [Cluster.Apply] applies YAML of any kind, [Cluster.WaitCRD] waits until a
//     kind is served, and [GatewayCRDs] has the Gateway API's.
//
// # What it needs
//
// Two binaries, named in SERIN_KUBERNETES and SERIN_ETCD: `make test-kube` builds
// or fetches them. And addresses: an EndpointSlice may hold none of 127.0.0.0/8,
// so pods get theirs from 198.18.0.0/15, which RFC 2544 keeps for tests. The
// first Kubelet puts that range on the loopback device, for which it must be
// root; where another did so before ([PodRange]), anybody may.
//
// # What always holds
//
// Whoever starts a part ends it: Close leaves no process, no goroutine and no
// open port behind, and ends nothing but what was started here. The processes end
// with their parent on Linux, even when it is killed. The address range stays:
// other processes may be using it.
//
// Everything may be called from any goroutine. Nothing here waits for a while;
// everything waits for a condition, and until the context ends.
package kubelab
