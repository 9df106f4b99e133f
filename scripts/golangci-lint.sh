#!/usr/bin/env bash
# Prints the path of golangci-lint in the version that the code is clean under,
# and builds it into .tools first when it is not there. Everything else goes to
# stderr.
set -euo pipefail

version=2.15.0
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=$root/.tools/golangci-lint-$version

# right_version reports whether a binary runs and has the version.
right_version() {
	[ "$("$1" version --short 2>/dev/null)" = "$version" ]
}

for candidate in "$home/golangci-lint" "$(command -v golangci-lint || true)"; do
	if [ -x "$candidate" ] && right_version "$candidate"; then
		echo "$candidate"
		exit
	fi
done
echo "building golangci-lint $version into .tools (this takes minutes, once)" >&2
GOBIN=$home GOFLAGS= "${GO:-go}" install \
	"github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$version" >&2
echo "$home/golangci-lint"
