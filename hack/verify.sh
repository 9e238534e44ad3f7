#!/bin/sh
# Regenerates everything, checks the modules, and fails if that changed, or
# anyone left, something uncommitted.
# usage: verify.sh "all modules" "modules to hold tidy"
set -eu
cd "$(dirname "$0")/.."

echo "verify: regenerating"
hack/generate.sh generate manifests
for module in $1; do
	echo "verify: go mod verify in $module"
	(cd "$module" && go mod verify)
done
for module in $2; do
	echo "verify: go mod tidy -diff in $module"
	(cd "$module" && go mod tidy -diff)
done
dirty=$(git status --porcelain)
if [ -n "$dirty" ]; then
	echo "verify: the working tree is not clean; commit these files (or what 'make generate manifests' made of them):" >&2
	echo "$dirty" >&2
	git --no-pager diff --stat >&2
	exit 1
fi
echo "verify: clean"
