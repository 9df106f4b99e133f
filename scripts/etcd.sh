#!/usr/bin/env bash
# Prints the path of an etcd server, and installs one first when there is none.
# Everything else goes to stderr.
#
# Looked at, in this order: what SERIN_ETCD names, PATH, .tools in the checkout.
# Installed is Debian's package, into .tools only: nothing is started, and no
# root is needed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=$root/.tools/etcd-debian
binary=$home/etcd

fail() {
	cat >&2 <<REMEDY
There is no etcd, and it could not be installed: $1.
Do one of these, then try again:
  - run this on Debian or Ubuntu with apt-get and dpkg-deb, where the archive can
    be reached;
  - put an etcd 3.4 or later on PATH, or name one in SERIN_ETCD.
REMEDY
	exit 1
}

if [ -n "${SERIN_ETCD:-}" ]; then
	command -v "$SERIN_ETCD" || {
		echo "SERIN_ETCD names $SERIN_ETCD, which is no program" >&2
		exit 1
	}
	exit
fi
if command -v etcd; then
	exit
fi
if [ -x "$binary" ]; then
	echo "$binary"
	exit
fi

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail "apt-get or dpkg-deb is missing"
echo "installing etcd under .tools (a download of 8 MB)" >&2
mkdir -p "$root/.tools"
# Into a folder of its own first: an installation that was cut short is never
# taken for a whole one.
fresh=$(mktemp -d "$root/.tools/.new-XXXXXX")
trap 'rm -rf "$fresh"' EXIT
get() { (cd "$fresh" && apt-get -qq "$@" download etcd-server >&2); }
# Where the machine's own list of packages is missing or old, one is fetched into
# a folder of ours.
if ! get; then
	own=(-o "Dir::State::lists=$fresh/lists" -o "Dir::Cache=$fresh/cache" -o Dir::State::status=/var/lib/dpkg/status)
	mkdir -p "$fresh/lists/partial" "$fresh/cache/archives/partial"
	apt-get -qq "${own[@]}" update >&2 || fail "apt-get update failed"
	get "${own[@]}" || fail "apt-get download failed"
fi
dpkg-deb -x "$fresh"/etcd-server_*.deb "$fresh/tree" || fail "the package cannot be unpacked"
"$fresh/tree/usr/bin/etcd" --version >/dev/null 2>&1 || fail "what was installed does not run here"
mkdir -p "$home"
mv "$fresh/tree/usr/bin/etcd" "$binary"
echo "$binary"
