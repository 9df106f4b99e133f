#!/usr/bin/env bash
# Prints the path of a binary that is Kubernetes' API server and its controller
# manager (e2e/kube/apiserver), and builds it first when there is none: with
# nothing in Go's own cache that takes ten minutes on two cores and 3 GB of that
# cache, and later no time at all. Everything else goes to stderr.
#
# Looked at, in this order: what SERIN_KUBERNETES names, the cache. The cache is
# a folder outside the checkout, so that all checkouts share it: SERIN_CACHE, or
# serin in XDG_CACHE_HOME or ~/.cache. A binary is named after what it was built
# from, and is never changed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source=$root/e2e/kube/apiserver

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

version=$(sed -n 's|^\tk8s.io/kubernetes v\([0-9.]*\)$|\1|p' "$source/go.mod")
[ -n "$version" ] || fail "its go.mod requires no k8s.io/kubernetes"
sum=$(cd "$source" && cat go.mod go.sum ./*.go | sha256sum | cut -c 1-12)
cache=${SERIN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/serin}
home=$cache/kubernetes-$version-$sum
binary=$home/kubernetes

if [ -x "$binary" ]; then
	echo "$binary"
	exit
fi
mkdir -p "$cache"
# One builds, and whoever comes meanwhile waits for it.
exec 9>"$home.lock"
if command -v flock >/dev/null; then
	flock 9
fi
if [ -x "$binary" ]; then
	echo "$binary"
	exit
fi

echo "building Kubernetes $version into $home (this takes minutes, once)" >&2
# Into a folder of its own first: a build that was cut short is never taken for a
# whole one.
fresh=$(mktemp -d "$cache/.new-XXXXXX")
trap 'rm -rf "$fresh"' EXIT
IFS=. read -r major minor _ <<<"$version"
# The version is what its own release scripts stamp, and what clients go by.
stamp=k8s.io/component-base/version
(cd "$source" && GOFLAGS='' GOWORK=off "${GO:-go}" build -trimpath -buildvcs=false -ldflags "-s -w \
	-X $stamp.gitMajor=$major -X $stamp.gitMinor=$minor \
	-X $stamp.gitVersion=v$version -X $stamp.gitTreeState=clean" \
	-o "$fresh/kubernetes" . >&2) || fail "go build failed"
"$fresh/kubernetes" kube-apiserver --version >&2 || fail "what was built does not run here"
chmod 755 "$fresh"
rm -rf "$home"
mv "$fresh" "$home"
echo "$binary"
