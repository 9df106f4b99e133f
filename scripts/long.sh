#!/usr/bin/env bash
# Runs what is too long for every change: each fuzz target for the time given,
# then each property on as many random inputs as given.
#
#   scripts/long.sh FUZZTIME CHECKS        such as  scripts/long.sh 60s 20000
set -euo pipefail

fuzztime=$1
checks=$2
go=${GO:-go}

# The packages that use the property library are the ones that know its flag.
mapfile -t properties < <("$go" list -f \
	'{{$p := .ImportPath}}{{range .TestImports}}{{if eq . "pgregory.net/rapid"}}{{$p}}{{end}}{{end}}{{range .XTestImports}}{{if eq . "pgregory.net/rapid"}}{{"\n"}}{{$p}}{{end}}{{end}}' \
	./... | sed '/^$/d' | sort -u)

targets=0
while read -r package; do
	while read -r target; do
		echo "fuzzing $package $target for $fuzztime"
		"$go" test -run '^$' -fuzz "^$target\$" -fuzztime "$fuzztime" "$package"
		targets=$((targets + 1))
	done < <("$go" test -list '^Fuzz' "$package" | grep '^Fuzz' || true)
done < <("$go" list ./...)
if [ "$targets" = 0 ] || [ "${#properties[@]}" = 0 ]; then
	echo "no fuzz target or no property was found: something is wrong with the search" >&2
	exit 1
fi

for package in "${properties[@]}"; do
	echo "properties of $package, $checks times each"
	"$go" test -timeout 60m "$package" -rapid.checks="$checks"
done
