#!/bin/sh
# Looks for known vulnerabilities in the code that the product calls, with the
# pinned govulncheck and the Go vulnerability database.
# usage: vulncheck.sh [URL of a copy of the database]
set -eu
cd "$(dirname "$0")/.."
root=$PWD
db=${1:-https://vuln.go.dev}

mkdir -p bin
(cd hack/tools && go build -o "$root/bin/govulncheck" golang.org/x/vuln/cmd/govulncheck)
code=0
report=$(bin/govulncheck -db "$db" ./... 2>&1) || code=$?
echo "$report"
case $report in
*"fetching vulnerabilities:"*)
	cat >&2 <<-EOF
	vulncheck: nothing was checked, because the vulnerability database cannot be read from $db.
	vulncheck: Where there is internet, run make vulncheck again. Where there is none, download
	vulncheck: https://vuln.go.dev/vulndb.zip elsewhere, unpack it here into a folder, and run
	vulncheck: make vulncheck VULNDB=file:///path/of/the/folder
	EOF
	;;
esac
exit $code
