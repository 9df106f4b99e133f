// Command bench measures what DESIGN.md promises, on the machine it runs on:
//
//	make bench                         # or: go run ./bench
//	go run ./bench -run 'abort|swap'   # some of it
//	go run ./bench -short              # fewer runs
//	FULL=1 make bench                  # more runs
//
// It builds the program without the race detector and runs it beside real
// Envoys, services and a load, all on loopback. For each bench it writes one
// JSON file into bench/out and prints one table. The exit code tells whether
// the benches ran, not whether they were fast: a goal that was missed is
// printed as such and marked in the file.
//
// # The figures
//
// A machine's milliseconds say little, so each bench measures beside Serin, in
// the same run, a floor (the least that the same parts allow) or a peer
// (another way to do the same), and gives the ratio of the medians.
//
//   - reaction: a version at 20% of 1,000 requests a second, on two Envoys,
//     begins to fail every request. How long, and how many failed responses,
//     until the last request that goes to it. Floor: from the first failed
//     response to the one that decided; no judge that needs as many failures
//     can be faster.
//   - hanging: the same, when it begins to answer nothing, with an objective of
//     200 ms. Floor: from the first request that hung until the deciding one had
//     run for the objective; before that no request is known to be slow.
//   - abort: from a POST of abort until the event stream says that both Envoys
//     have accepted weight 0. Floor: the same weight pushed by a bare
//     xds.Server to two other Envoys; what is above it is HTTP, the rollout
//     machine and the event stream.
//   - weight_change: one weight among 10, 1,000 and 10,000 hosts on one
//     listener, until a client sees it. Peer: an Envoy without the runtime
//     layer, which gets a new route table instead.
//   - swap: 100 changes of version, each straight to 100%, under load. Peer:
//     go-control-plane's SnapshotCache with the same resources, cluster and
//     route in one snapshot. It does not serve reports, which the Envoy sends
//     to nobody then.
//   - streams: one weight to 1,000 and 5,000 streams until the last has
//     acknowledged it, and the memory of one. Floor: a bare gRPC server that
//     sends the same bytes already encoded. Peer: SnapshotCache.
//   - growth: the work of control and snapshot for one change, among 10, 1,000
//     and 10,000 Services, as the exponent of its growth.
//   - core: an event through the state machine, and 10,000 rollouts under way in
//     one process: memory, CPU at a load report a second for each, an abort of
//     all. Floors: a copy of the state; the memory of the objects; the same
//     reports dropped; the translation alone.
//   - analysis: the guard and other judges on the same simulated traffic, without
//     Envoys: false stops, power, requests until a verdict. Floor: the fewest
//     requests that any such test needs. Peers: the rules of Argo Rollouts and
//     Flagger, Kayenta's judge, a z-test. It also writes the page
//     docs/explanation/analysis-quality.md, but not with -short.
//   - cluster: a real Kubernetes API server and controllers, 1,000 Rollouts and
//     10,000 pods, which are played: memory, CPU and requests at rest, and from when
//     a pod is ready until its first request through a real Envoy. Floor: until it
//     is ready in an EndpointSlice.
//
// All clocks are the machine's one clock: load, services and observers live in
// the bench's own process, and compete with what they measure for the same
// cores. go-control-plane is imported for the peer SnapshotCache, and for the
// messages of the clients that the streams bench simulates.
package main
