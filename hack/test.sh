#!/bin/sh
# Tests each of the given modules, goes on where one fails, and names at the end
# those that failed.
# usage: test.sh "flags of go test" module...
set -u
cd "$(dirname "$0")/.."
# Ctrl-C ends the run, and not only the module that is being tested.
trap 'exit 130' INT TERM

flags=$1
shift
passed= failed=
for module in "$@"; do
	echo "== go test $module"
	# Go's own limit for a package, ten minutes, is near on a machine that is busy
	# with other things; every wait inside a test gives up long before.
	# shellcheck disable=SC2086 # several flags
	if (cd "$module" && exec go test $flags -shuffle=on -timeout=30m ./...); then
		passed="$passed $module"
	else
		failed="$failed $module"
	fi
done
echo "== modules that passed:${passed:- none}"
if [ -n "$failed" ]; then
	echo "== modules that failed:$failed"
	exit 1
fi
