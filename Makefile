# Everything here needs Go, git and make, and nothing else; but for test, which
# also runs the server against programs that are not ours: README.md, "On a laptop".

GO      ?= go
DEV_DIR ?= .dev

# Tools are pinned in a module of their own, so that what they need never
# reaches the product's go.mod.
TOOL := $(GO) tool -modfile=hack/tools/go.mod

# The hack modules beside the product's own. hack/controlplane is only pins and
# its builder; tidying it would fetch the tests of half of Kubernetes.
MODULES      := . $(patsubst %/go.mod,%,$(wildcard hack/*/go.mod))
LINT_MODULES := $(filter-out hack/tools,$(MODULES))
TEST_MODULES := $(filter-out hack/e2e,$(LINT_MODULES)) # that one needs a cluster: make e2e
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
.PHONY: help build image controlplane demo dev test lint manifests generate verify vulncheck bench e2e e2e-long clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build bin/clientele, the one binary of the product
	@echo "building bin/clientele (the first time this takes a minute or two)"
	@$(STATIC) $(GO) build -ldflags "-X main.buildVersion=$$(hack/version.sh)" -o bin/clientele .

image: ## Build the image as bin/clientele-image.tar, an OCI archive; KO_DOCKER_REPO=registry/folder pushes it instead; PLATFORMS=linux/amd64 for that one alone
	@cd hack/image && $(STATIC) $(GO) run .

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
	@$(STATIC) hack/lint.sh $(LINT_MODULES)

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

e2e: E2E_TESTS = -test.skip=^TestLong
e2e: bin/e2e.test ## Install on the cluster that KUBECONFIG names and break things there; hack/e2e/on-lab make e2e: on a fresh one
	@$(RUN_E2E)

e2e-long: E2E_TESTS = -test.run=^TestLong
e2e-long: bin/e2e.test ## The scenarios that take longer
	@$(RUN_E2E)

# The tests are compiled first: where E2E_RUN runs them there may be no way to the
# module proxy. hack/e2e/README.md says what the variables are.
define RUN_E2E
[ -n "$$KUBECONFIG" ] || { echo "e2e: KUBECONFIG names no cluster; hack/e2e/on-lab make $@ starts one" >&2; exit 2; }
@[ -z "$$E2E_LOAD_IMAGE" ] || for a in bin .cache/e2e/previous/bin; do $$E2E_LOAD_IMAGE $$a/clientele-image.tar; done
@cd hack/e2e && E2E=1 exec $$E2E_RUN ../../bin/e2e.test -test.v -test.timeout=60m -test.parallel=8 $(E2E_TESTS)
endef

.PHONY: bin/e2e.test
bin/e2e.test: build
	@PLATFORMS="$${PLATFORMS:-linux/$$($(GO) env GOARCH)}" $(MAKE) --no-print-directory image
	@$(STATIC) hack/e2e/build-previous
	@cd hack/e2e && $(STATIC) $(GO) test -c -o ../../$@ .

clean: ## Remove what make built, but for the control plane (.cache)
	rm -rf bin .dev
