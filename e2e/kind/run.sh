#!/usr/bin/env bash
# Plays Serin in a cluster of kind: makes the cluster, builds and loads the image,
# installs the Gateway API's kinds, the chart with an Envoy edge fleet, a sample
# service and load, and plays a good and a bad rollout.
#
#   e2e/kind/run.sh [--keep]
#
# It exits with 0 if the good version was promoted without a failed request and the
# bad one was out of traffic; else with 1. --keep leaves the cluster to look at.
# It needs Docker, kind, kubectl, Helm, and the network for images.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cluster=serin-demo
context=kind-$cluster
image=serin:demo # as values.yaml has it
keep=

case ${1:-} in
'') ;;
--keep) keep=1 ;;
*)
	sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
	exit 1
	;;
esac

say() { printf '\n==> %s\n' "$*"; }

fail() {
	printf '\n==> failed: %s\n' "$*" >&2
	exit 1
}

for tool in docker kind kubectl helm; do
	command -v "$tool" >/dev/null || fail "$tool is missing"
done

k() { kubectl --context "$context" "$@"; }
shop() { k --namespace shop "$@"; }

# status PATH prints a field of the Rollout's status.
status() { shop get rollouts.serin.dev shop -o "jsonpath={.status.$1}"; }

# await PATH VALUE TIMEOUT waits until a field of the Rollout's status has a value.
await() {
	shop wait rollouts.serin.dev/shop --for "jsonpath={.status.$1}=$2" --timeout "$3" >/dev/null ||
		fail "status.$1 is $(status "$1"), not $2: $(status message)"
}

# begin FILE applies another version, and waits until Serin has seen it.
begin() {
	local before
	before=$(status currentPodHash)
	k apply -f "$here/$1"
	for _ in $(seq 60); do
		[ "$(status currentPodHash)" = "$before" ] || return 0
		sleep 1
	done
	fail "the version of $1 is not seen"
}

# count SINCE sets asked, how many requests were answered since a time, and failed,
# how many of these otherwise than with 200.
count() {
	local log
	log=$(shop logs deployment/load --since-time "$1")
	asked=$(grep -c . <<<"$log" || true)
	failed=$(grep -cv '^200$' <<<"$log" || true)
}

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

at_end() {
	local code=$?
	if [ "$code" != 0 ]; then
		k get pods --all-namespaces || true
		shop describe rollouts.serin.dev shop || true
		k --namespace serin-system logs deployment/serin --tail 50 || true
	fi
	if [ -z "$keep" ]; then
		kind delete cluster --name "$cluster"
	else
		say "the cluster stays: kubectl --context $context; kind delete cluster --name $cluster"
	fi
	exit "$code"
}

say "cluster"
if kind get clusters 2>/dev/null | grep -qx "$cluster"; then
	fail "there is a cluster $cluster: kind delete cluster --name $cluster"
fi
trap at_end EXIT
kind create cluster --name "$cluster" --config "$here/cluster.yaml" --wait 3m

say "image"
docker build --tag "$image" "$root"
kind load docker-image --name "$cluster" "$image"

say "Gateway API"
gateway=$(sed -n 's|^[[:space:]]*sigs.k8s.io/gateway-api \(v[0-9.]*\).*|\1|p' "$root/go.mod")
k apply --server-side -f "https://github.com/kubernetes-sigs/gateway-api/releases/download/$gateway/standard-install.yaml"
k wait --for condition=Established --timeout 1m crd/gateways.gateway.networking.k8s.io crd/httproutes.gateway.networking.k8s.io
k apply -f "$here/gateway.yaml"

say "Serin and its fleet"
helm --kube-context "$context" install serin "$root/deploy/chart/serin" \
	--namespace serin-system --create-namespace --values "$here/values.yaml"

say "the first version"
k apply -f "$here/rollout-1-first.yaml"
await phase Healthy 3m
k --namespace serin-system rollout status deployment/serin-envoy --timeout 3m
k apply -f "$here/load.yaml"
shop rollout status deployment/load --timeout 3m
sleep 5

say "a good version"
started=$(now)
begin rollout-2-good.yaml
await stableRS "$(status currentPodHash)" 5m
await phase Healthy 1m
sleep 2
count "$started"
lost=$failed
say "it was promoted; $lost of $asked requests failed"
[ "$asked" -gt 0 ] || fail "there was no load"

say "a bad version"
stable=$(status stableRS)
started=$(now)
begin rollout-3-bad.yaml
await abort true 3m
await canary.weights.canary.weight 0 10s
sleep 2
count "$started"
say "it is out of traffic; $failed of $asked requests failed: $(status message)"
[ "$(status stableRS)" = "$stable" ] || fail "the bad version is stable"
[ "$(status phase)" = Degraded ] || fail "the phase is $(status phase)"

[ "$lost" = 0 ] || fail "the good rollout lost $lost requests"
say "all is well"
