#!/usr/bin/env bash
# Runs what is too long for every change. Without a word it runs all parts, one
# after the other; with words only those:
#
#   scripts/long.sh [kills|envoys|histories|faults|fuzz|properties ...]
#
# What each does, and how long that took on 2 cores at 2.5 GHz that had other
# work too (measured, but for histories and fuzz, which are set or scaled up):
#
#   kills       the server is killed KILLS times in the midst of rollouts, with
#               stand-ins for Envoys: 4.5 minutes for 1,000
#   envoys      and ENVOY_KILLS times with real Envoys under load, which must be
#               found: 1 minute for 30
#   histories   the machine's simulator plays HISTORIES: 12 minutes for 1,000,000
#   faults      each seeded fault of the machine must make a test fail: 4 minutes
#   fuzz        FUZZ_SECONDS are shared out to all fuzz targets: 3,600 seconds,
#               and 2 minutes for building them
#   properties  each property on CHECKS random inputs: 13 minutes for 20,000
#
# SERIN_SEED chooses other moments for the kills.
set -euo pipefail
cd "$(dirname "$0")/.."

go=${GO:-go}
kills=${KILLS:-1000}
envoy_kills=${ENVOY_KILLS:-30}
histories=${HISTORIES:-1000000}
fuzz_seconds=${FUZZ_SECONDS:-3600}
checks=${CHECKS:-20000}

run_kills() {
	SERIN_KILLS=$kills "$go" test -timeout 60m -count=1 -run '^TestKilledAtRandomMoments$' ./e2e
}

run_envoys() {
	SERIN_ENVOY_KILLS=$envoy_kills "$go" test -timeout 60m -count=1 -run '^TestKilledUnderLoad$' ./e2e
}

run_histories() {
	SERIN_SIM_HISTORIES=$histories "$go" test -timeout 120m -count=1 -run '^TestHistories$' ./rollout/sim
}

run_faults() {
	SERIN_MUTATE=1 "$go" test -timeout 30m -count=1 -run '^TestFaults' ./rollout/sim
}

# Every target goes on for its share, from its seeds and what it found before.
# The time for making an input smaller is bounded, or it would eat the share.
run_fuzz() {
	local targets share
	mapfile -t targets < <("$go" list ./... | while read -r package; do
		"$go" test -list '^Fuzz' "$package" | sed -n "s|^Fuzz|$package Fuzz|p"
	done)
	found "${#targets[@]}" "fuzz target"
	share=$((fuzz_seconds / ${#targets[@]}))
	for line in "${targets[@]}"; do
		read -r package target <<<"$line"
		echo "$package $target for $share s"
		"$go" test -run '^$' -fuzz "^$target\$" -fuzztime "${share}s" -fuzzminimizetime 1x "$package"
	done
}

# Their other tests run once beside them.
run_properties() {
	local packages
	mapfile -t packages < <("$go" list -f \
		'{{$p := .ImportPath}}{{range .TestImports}}{{if eq . "pgregory.net/rapid"}}{{$p}}{{"\n"}}{{end}}{{end}}{{range .XTestImports}}{{if eq . "pgregory.net/rapid"}}{{$p}}{{"\n"}}{{end}}{{end}}' \
		./... | sed '/^$/d' | sort -u)
	found "${#packages[@]}" property
	for package in "${packages[@]}"; do
		echo "properties of $package, $checks times each"
		RAPID_CHECKS=$checks "$go" test -timeout 60m -count=1 "$package"
	done
}

# found NUMBER WHAT ends the script where nothing was found.
found() {
	if [ "$1" = 0 ]; then
		echo "no $2 was found: something is wrong with the search" >&2
		exit 1
	fi
}

parts=("$@")
if [ "${#parts[@]}" = 0 ]; then
	parts=(kills envoys histories faults fuzz properties)
fi
for part in "${parts[@]}"; do
	if ! declare -F "run_$part" >/dev/null; then
		echo "there is no part $part: kills, envoys, histories, faults, fuzz and properties are" >&2
		exit 2
	fi
done
for part in "${parts[@]}"; do
	began=$SECONDS
	echo "== $part"
	"run_$part"
	echo "== $part took $((SECONDS - began)) s"
done
