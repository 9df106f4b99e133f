# For other scripts to source: builds programs of nested Go modules, once, into a
# cache outside the checkout, so that all checkouts share it: SERIN_CACHE, or serin
# in XDG_CACHE_HOME or ~/.cache. A program is named after what it was built from,
# and is never changed.

# cached NAME MODULE-FOLDER REQUIREMENT sets version, that of the requirement in
# the module's go.mod, and binary, where the program is or is to be.
cached() {
	local sum
	name=$1 source=$2
	version=$(sed -n "s|^\\(require \\)\\?[[:space:]]*$3 v\\([0-9.]*\\)\\( // indirect\\)\?\$|\\2|p" "$source/go.mod")
	[ -n "$version" ] || fail "its go.mod requires no $3"
	sum=$(shopt -s nullglob && cd "$source" && cat go.mod go.sum ./*.go | sha256sum | cut -c 1-12)
	cache=${SERIN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/serin}
	binary=$cache/$name-$version-$sum/$name
}

# build_cached PACKAGE LDFLAGS CHECK... builds the package into binary, unless it
# is there, and sees that the program runs with the words of CHECK.
build_cached() {
	local home=${binary%/*} package=$1 ldflags=$2
	shift 2
	[ ! -x "$binary" ] || return 0
	mkdir -p "$cache"
	# One builds, and whoever comes meanwhile waits for it.
	exec 9>"$home.lock"
	if command -v flock >/dev/null; then
		flock 9
	fi
	[ ! -x "$binary" ] || return 0
	echo "building $name $version into $home (this takes minutes, once)" >&2
	# Into a folder of its own first: a build that was cut short is never taken for
	# a whole one.
	fresh=$(mktemp -d "$cache/.new-XXXXXX")
	trap 'rm -rf "$fresh"' EXIT
	(cd "$source" && GOFLAGS='' GOWORK=off "${GO:-go}" build -trimpath -buildvcs=false \
		-ldflags "-s -w $ldflags" -o "$fresh/$name" "$package" >&2) || fail "go build failed"
	"$fresh/$name" "$@" >&2 || fail "what was built does not run here"
	chmod 755 "$fresh"
	rm -rf "$home"
	mv "$fresh" "$home"
}
