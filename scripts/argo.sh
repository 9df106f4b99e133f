#!/usr/bin/env bash
# Prints the path of Argo Rollouts' plugin for kubectl, and builds it first when
# there is none, which takes 5 minutes of processor time, once. With the word crds
# it prints the folder with Argo's CustomResourceDefinitions instead; with the word
# module, the folder of the module, which has Argo's examples too. Everything else
# goes to stderr.
#
# Looked at, in this order: what SERIN_ARGO names, the cache that scripts/cache.sh
# describes. Nothing of Argo's is in the checkout but a go.mod (e2e/kube/argo).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
argo=github.com/argoproj/argo-rollouts
# shellcheck source=cache.sh
. "$root/scripts/cache.sh"

fail() {
	cat >&2 <<REMEDY
There is no Argo Rollouts, and it could not be had: $1.
Do one of these, then try again:
  - let Go 1.26.1 or later reach a proxy of Go modules, and see that some 3 GB of
    disk are free;
  - name a kubectl-argo-rollouts in SERIN_ARGO.
REMEDY
	exit 1
}

# module prints the folder of Argo's module, and fetches that first.
module() {
	cd "$root/e2e/kube/argo"
	GOFLAGS='' GOWORK=off "${GO:-go}" mod download "$argo" >&2 || fail "go mod download failed"
	GOFLAGS='' GOWORK=off "${GO:-go}" list -m -f '{{.Dir}}' "$argo"
}

case ${1:-plugin} in
plugin) ;;
module)
	module
	exit
	;;
crds)
	dir=$(module)
	echo "$dir/manifests/crds"
	exit
	;;
*)
	echo "there is no word $1: plugin, crds and module are" >&2
	exit 2
	;;
esac
if [ -n "${SERIN_ARGO:-}" ]; then
	command -v "$SERIN_ARGO" || {
		echo "SERIN_ARGO names $SERIN_ARGO, which is no program" >&2
		exit 1
	}
	exit
fi
cached kubectl-argo-rollouts "$root/e2e/kube/argo" "$argo"
build_cached "$argo/cmd/kubectl-argo-rollouts" "-X $argo/utils/version.version=$version" version
echo "$binary"
