#!/bin/sh
# Generates code and manifests with the pinned controller-gen.
# usage: generate.sh {generate|manifests}...
set -eu
cd "$(dirname "$0")/.."

# controller-gen runs where it finds the packages, so it sees the product's
# go.mod; only the tool itself is built from hack/tools.
gen() {
	go tool -modfile=hack/tools/go.mod controller-gen "$@"
}

# role NAME FILE PACKAGES writes the roles that the packages' markers ask for,
# if there is such a package yet.
role() {
	dir=${3%/...}
	[ -d "$dir" ] || return 0
	gen "rbac:roleName=$1,fileName=$2" "paths=$3" output:rbac:dir=config/rbac
}

for what in "$@"; do
	case $what in
	generate)
		gen object paths=./api/...
		;;
	manifests)
		gen crd paths=./api/... output:crd:dir=config/crd/bases
		role clientele-operator operator_role.yaml ./controllers/...
		role clientele-server server_role.yaml ./authserver/kube/...
		;;
	*)
		echo "generate.sh: unknown: $what (generate or manifests)" >&2
		exit 2
		;;
	esac
done
