#!/bin/sh
# Checks formatting, then vets each of the given modules.
set -eu
cd "$(dirname "$0")/.."
root=$PWD

unformatted=$(git ls-files --cached --others --exclude-standard -- '*.go' | xargs -r ls -d 2>/dev/null | xargs -r gofmt -l)
if [ -n "$unformatted" ]; then
	echo "lint: not formatted, run gofmt -w on:" >&2
	echo "$unformatted" >&2
	exit 1
fi

mkdir -p bin
(cd hack/tools && go build -o "$root/bin/staticcheck" honnef.co/go/tools/cmd/staticcheck)
for module in "$@"; do
	echo "lint: go vet and staticcheck in $module"
	(cd "$module" && go vet ./... && "$root/bin/staticcheck" ./...)
done
