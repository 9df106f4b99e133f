#!/usr/bin/env bash
# Prints the path of a binary that is Kubernetes' API server and its controller
# manager (e2e/kube/apiserver), and builds it first when there is none: with
# nothing in Go's own cache that takes 12 minutes of processor time, and later no
# time at all. Everything else goes to stderr.
#
# Looked at, in this order: what SERIN_KUBERNETES names, the cache that
# scripts/cache.sh describes.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=cache.sh
. "$root/scripts/cache.sh"

fail() {
	cat >&2 <<REMEDY
There is no Kubernetes API server, and it could not be built: $1.
Do one of these, then try again:
  - let Go 1.26 or later reach a proxy of Go modules, and see that some 5 GB of
    disk are free;
  - name a binary that scripts/kubernetes.sh built elsewhere in SERIN_KUBERNETES.
REMEDY
	exit 1
}

if [ -n "${SERIN_KUBERNETES:-}" ]; then
	command -v "$SERIN_KUBERNETES" || {
		echo "SERIN_KUBERNETES names $SERIN_KUBERNETES, which is no program" >&2
		exit 1
	}
	exit
fi
cached kubernetes "$root/e2e/kube/apiserver" k8s.io/kubernetes
IFS=. read -r major minor _ <<<"$version"
# The version is what its own release scripts stamp, and what clients go by.
stamp=k8s.io/component-base/version
build_cached . "-X $stamp.gitMajor=$major -X $stamp.gitMinor=$minor \
	-X $stamp.gitVersion=v$version -X $stamp.gitTreeState=clean" kube-apiserver --version
echo "$binary"
