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

for what in "$@"; do
	case $what in
	generate)
		gen object paths=./api/...
		;;
	manifests)
		gen crd paths=./api/... output:crd:dir=config/crd/bases
		rm -f charts/clientele/files/crds/*.yaml
		cp config/crd/bases/*.yaml charts/clientele/files/crds/
		gen rbac:roleName=clientele-operator,fileName=operator_role.yaml paths=./controllers/... output:rbac:dir=charts/clientele/files/rbac
		# The chart is what is installed, by Helm or without.
		mkdir -p bin
		(cd hack/helm && go build -o ../../bin/render ./render)
		bin/render
		;;
	*)
		echo "generate.sh: unknown: $what (generate or manifests)" >&2
		exit 2
		;;
	esac
done
