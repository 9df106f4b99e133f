# What there is to do here. `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
# The longest that the tests of one package may take, on a machine that is busy.
TEST_TIMEOUT ?= 20m
# The same, of the tests on a Kubernetes API server.
KUBE_TIMEOUT ?= 30m
# Which parts of test-long run; none means all.
PARTS ?=
# What `make demo` hands to serin demo, such as DEMO_FLAGS="--speed 4".
DEMO_FLAGS ?=

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/serin
	$(GO) build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o bin/serin ./cmd/serin

.PHONY: tools
tools: ## install Envoy 1.40 and Prometheus under .tools, unless they are there
	@envoy="$$(scripts/envoy.sh)"; echo "Envoy: $$envoy"
	@prometheus="$$(scripts/prometheus.sh)"; echo "Prometheus: $$prometheus"

.PHONY: demo
demo: build ## a good rollout and a bad one on real Envoys, in about a minute
	@envoy="$$(scripts/envoy.sh)"; SERIN_ENVOY="$$envoy" exec bin/serin demo $(DEMO_FLAGS)

.PHONY: test
test: ## all tests but the long ones, with the race detector
	@envoy="$$(scripts/envoy.sh)"; export SERIN_ENVOY="$$envoy"; \
	set -x; $(GO) test -race -timeout $(TEST_TIMEOUT) ./...

.PHONY: test-long
test-long: ## kills, histories, faults, an hour of fuzz: PARTS chooses, scripts/long.sh tells more
	@envoy="$$(scripts/envoy.sh)"; export SERIN_ENVOY="$$envoy"; GO="$(GO)" scripts/long.sh $(PARTS)

.PHONY: test-kube
test-kube: ## the tests on a real Kubernetes API server, which is built first: minutes, once
	@envoy="$$(scripts/envoy.sh)"; export SERIN_ENVOY="$$envoy"; \
	kubernetes="$$(GO="$(GO)" scripts/kubernetes.sh)"; export SERIN_KUBERNETES="$$kubernetes"; \
	etcd="$$(scripts/etcd.sh)"; export SERIN_ETCD="$$etcd"; \
	kubectl="$$(scripts/kubectl.sh)"; export SERIN_KUBECTL="$$kubectl"; \
	helm="$$(scripts/helm.sh)"; export SERIN_HELM="$$helm"; \
	argo="$$(GO="$(GO)" scripts/argo.sh)"; export SERIN_ARGO="$$argo"; \
	crds="$$(GO="$(GO)" scripts/argo.sh crds)"; export SERIN_ARGO_CRDS="$$crds"; \
	set -x; $(GO) test -race -tags kube -timeout $(KUBE_TIMEOUT) ./internal/kubelab/... ./discovery/... ./workload/... ./runner/... ./e2e/kube/... ./deploy/... ./e2e/kind/...

.PHONY: generate
generate: ## write what is generated: CRDs, the chart's copies, plain manifests
	$(GO) test -count 1 -run 'TestCRDs|TestBootstraps|TestMonitoring' ./deploy -update
	@helm="$$(scripts/helm.sh)"; export SERIN_HELM="$$helm"; \
	set -x; $(GO) test -tags kube -count 1 -run TestInstall ./deploy -update

.PHONY: demo-kind
demo-kind: ## the demo in a cluster of kind, which needs Docker
	e2e/kind/run.sh

.PHONY: bench
bench: ## measure; the figures are in bench/out/*.json
	@envoy="$$(scripts/envoy.sh)"; export SERIN_ENVOY="$$envoy"; \
	kubernetes="$$(GO="$(GO)" scripts/kubernetes.sh)"; export SERIN_KUBERNETES="$$kubernetes"; \
	etcd="$$(scripts/etcd.sh)"; export SERIN_ETCD="$$etcd"; $(GO) run ./bench

.PHONY: lint
lint: ## golangci-lint, as .golangci.yml says
	@"$$(scripts/golangci-lint.sh)" run

.PHONY: fmt
fmt: ## format the Go files
	gofmt -w .

.PHONY: check
check: ## what CI runs: module file, format, vet, lint, tests
	$(GO) mod tidy -diff
	@unformatted="$$(gofmt -l .)"; if [ -n "$$unformatted" ]; then \
		echo "not formatted (make fmt mends it): $$unformatted" >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags kube ./internal/kubelab/... ./discovery/... ./workload/... ./runner/... ./e2e/kube/... ./deploy/... ./e2e/kind/...
	@$(MAKE) --no-print-directory lint test

.PHONY: clean
clean: ## remove what was built and measured, but not .tools
	rm -rf bin bench/out
