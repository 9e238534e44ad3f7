# Everything here needs Go, git and make, and nothing else; but for test, which
# also runs the server against programs that are not ours: README.md, "Two commands".

GO      ?= go
DEV_DIR ?= .dev

# Tools are pinned in a module of their own, so that what they need never
# reaches the product's go.mod.
TOOL := $(GO) tool -modfile=hack/tools/go.mod

# The hack modules beside the product's own. hack/controlplane is only pins and
# its builder; tidying it would fetch the tests of half of Kubernetes.
MODULES      := . $(patsubst %/go.mod,%,$(wildcard hack/*/go.mod))
TEST_MODULES := $(filter-out hack/tools,$(MODULES))
TIDY_MODULES := $(filter-out hack/controlplane,$(MODULES))

# The race detector needs a C compiler. Where there is none the tests run
# without it, and say so.
RACE := $(if $(shell command -v $$($(GO) env CC) 2>/dev/null),-race)

export GOWORK := off

# Whatever is built and looked at without the race detector uses the same flags,
# so that the large dependencies are compiled once and not once per command.
STATIC := CGO_ENABLED=0 GOFLAGS="$(strip $(shell $(GO) env GOFLAGS) -trimpath)"

# Provides the programs of the control plane that follow it; all of them if none do.
CONTROLPLANE := cd hack/controlplane && $(STATIC) $(GO) run .

.DEFAULT_GOAL := help
.PHONY: help build controlplane demo dev test lint manifests generate verify vulncheck bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build bin/clientele, the one binary of the product
	@echo "building bin/clientele (the first time this takes a minute or two)"
	@$(STATIC) $(GO) build -o bin/clientele .

controlplane: ## Download or build etcd, kube-apiserver, kubectl and kube-controller-manager, once per version
	@$(CONTROLPLANE)

demo: build bin/stack ## Start everything, apply the samples, get tokens for a machine and for a person, verify them, stop everything
	@$(CONTROLPLANE) etcd kube-apiserver
	@exec bin/stack demo

dev: build bin/stack ## Run the whole stack until Ctrl-C; DEV_DIR=folder for a second one beside it, STORAGE=postgres for PostgreSQL
	@$(CONTROLPLANE) etcd kube-apiserver kube-controller-manager $(if $(shell command -v kubectl),,kubectl)
	@DEV_DIR="$(DEV_DIR)" exec bin/stack dev

# A built program rather than `go run`, so that a signal reaches it directly.
.PHONY: bin/stack
bin/stack:
	@$(STATIC) $(GO) build -o $@ ./hack/stack

test: ## Run every test, on a real control plane, with the race detector
	@$(CONTROLPLANE) etcd kube-apiserver kube-controller-manager
	@$(if $(RACE),,echo "no C compiler found: testing without the race detector")
	@hack/test.sh "$(RACE)" $(TEST_MODULES)

lint: ## Check formatting, go vet and staticcheck
	@$(STATIC) hack/lint.sh $(TEST_MODULES)

manifests: ## Generate CRDs and roles from the Go types and markers
	@$(STATIC) hack/generate.sh manifests

generate: ## Generate deepcopy code from the Go types
	@$(STATIC) hack/generate.sh generate

verify: ## Regenerate, check every go.mod, and fail if the working tree is not clean
	@$(STATIC) hack/verify.sh "$(MODULES)" "$(TIDY_MODULES)"

vulncheck: ## Look for known vulnerabilities; needs the internet, or VULNDB=file:///folder with a copy of the database
	@$(STATIC) hack/vulncheck.sh $(VULNDB)

bench: build ## Measure the promises of the design beside their goals; BENCH=flows,revocation,tokens,latency,scale,failures for some of them
	@$(CONTROLPLANE) etcd kube-apiserver kube-controller-manager
	@$(STATIC) $(GO) build -o bin/bench ./hack/bench && exec bin/bench -parts "$(BENCH)"

clean: ## Remove what make built, but for the control plane (.cache)
	rm -rf bin .dev
