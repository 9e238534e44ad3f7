#!/bin/sh
# Prints the version of what is built from this tree: the release that its commit is
# tagged as, without the v (0.1.0), or what git describe says of a later commit
# (0.1.0-5-g1234567890ab). Where git knows no release it is the chart's appVersion
# with the commit as build metadata (0.1.0+g1234567890ab), and where there is no git,
# the appVersion alone. A tree with uncommitted changes adds "dirty".
# usage: version.sh [app]
#   app: print the chart's appVersion, which is the tag of the image, and nothing else
set -eu
cd "$(dirname "$0")/.."

app=$(sed -n 's/^appVersion: *"\{0,1\}\([^" #]*\).*/\1/p' charts/clientele/Chart.yaml)
if [ -z "$app" ]; then
	echo "version.sh: charts/clientele/Chart.yaml has no appVersion" >&2
	exit 1
fi
if [ "${1:-}" = app ]; then
	echo "$app"
	exit
fi
# The length of an abbreviated commit is fixed, so that it is the same in each clone.
if described=$(git describe --tags --match 'v[0-9]*' --abbrev=12 --dirty 2>/dev/null); then
	echo "${described#v}"
elif commit=$(git rev-parse --short=12 HEAD 2>/dev/null); then
	git diff --quiet HEAD -- || commit=$commit.dirty
	echo "$app+g$commit"
else
	echo "$app"
fi
