# Every target ends with "## what it does"; `make help` prints them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO        ?= go
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS   := -s -w -X main.version=$(VERSION)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0
FUZZTIME  ?= 20s

# The prebuilt llama.cpp libraries (v0.5.0, MIT): pinned version, verified hash.
LLAMA_VERSION := 3.22.1
ARCH := $(shell uname -m)
ifeq ($(ARCH),aarch64)
LLAMA_PACKAGE := linux-arm64
LLAMA_SHA256  := 39c76b998e35ed2f236c01472fc79eda0fc558b1c8b535023c2d7ded8c327cc4
else
LLAMA_PACKAGE := linux-x64
LLAMA_SHA256  := 0d953e1503d5ab4608d8ed5b739132308c81ac05ffeb760d2a7f30e08a9f90e0
endif
LLAMA_STAMP := build/llama/.version-$(LLAMA_VERSION)-$(LLAMA_PACKAGE)

.PHONY: help demo build test check bench bench-search fuzz libraries vendor-js clean prerequisites

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 16

demo: build ## tune the demo model on this computer and show the front in the browser
	bin/fettle demo

build: prerequisites libraries ## build the three binaries into bin/
	CGO_ENABLED=1 $(GO) build -trimpath -ldflags "$(LDFLAGS)" -o bin/fettle ./cmd/fettle
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)" -o bin/ ./cmd/fettle-agent ./cmd/fettle-runner

test: build ## run all tests: unit, race, end to end with the real binaries, libraries and browser
	$(GO) test -race -timeout 20m ./...

check: ## formatting, vet and staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt'ed:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

fuzz: ## fuzz every parser of foreign bytes for FUZZTIME each
	@for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for name in $$(grep -rhoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go | sed 's/func //'); do \
	    echo "== $$dir $$name"; $(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) $$dir; \
	  done; \
	done

vendor-js: ## rebuild the vendored JavaScript of the dashboard (maintainers)
	cd web/vendorjs && npm ci --ignore-scripts && npm run build

bench: build ## the figures of docs/MEASUREMENT.md and docs/EARLY-STOPPING.md; wants a quiet machine, npm and g++, and half an hour
	profiler/bench/peers.sh
	$(GO) test -tags bench -count=1 -timeout 60m -v ./profiler/bench
	$(GO) test -tags bench -count=1 -timeout 30m -v -run 'Figures' ./cmd/fettle
	$(GO) test -count=1 -run '^$$' -bench . ./search/... ./store

# Options: make bench-search ARGS='-problems zdt1,osy -samplers gp,optuna-tpe -seeds 3'
bench-search: ## compare the search with Optuna and write docs/search-bench.md; wants python3-optuna and hours, goes on where it was interrupted
	@/usr/bin/python3 -c 'import optuna' 2>/dev/null || { echo "error: Optuna is missing: it is the peer of the search (Debian, Ubuntu: apt install python3-optuna)" >&2; exit 1; }
	$(GO) test -tags bench -count=1 -timeout 0 -v -run 'Campaigns' ./search/problems/bench -args $(ARGS)
	$(GO) test -tags bench -count=1 -timeout 0 -v -run 'Campaigns' ./search/problems/bench -args -samplers gp -outstanding 8 $(ARGS)
	$(GO) test -tags bench -count=1 -timeout 0 -v -run 'Speed' ./search/problems/bench -args $(ARGS)
	$(GO) test -tags bench -count=1 -v -run 'Report' ./search/problems/bench

libraries: $(LLAMA_STAMP) ## fetch the llama.cpp libraries into build/llama

$(LLAMA_STAMP):
	@command -v npm >/dev/null || { echo "error: npm is missing: it fetches the prebuilt llama.cpp libraries (Debian, Ubuntu: apt install npm)" >&2; exit 1; }
	@mkdir -p build/npm
	cd build/npm && npm pack --silent @node-llama-cpp/$(LLAMA_PACKAGE)@$(LLAMA_VERSION) >/dev/null
	@cd build/npm && echo "$(LLAMA_SHA256)  node-llama-cpp-$(LLAMA_PACKAGE)-$(LLAMA_VERSION).tgz" | sha256sum -c --quiet - \
	  || { echo "error: the llama.cpp package does not have the expected hash; delete build/npm and try again" >&2; exit 1; }
	@rm -rf build/llama build/npm/package && tar -xzf build/npm/node-llama-cpp-$(LLAMA_PACKAGE)-$(LLAMA_VERSION).tgz -C build/npm
	@mkdir -p build/llama && cp build/npm/package/bins/$(LLAMA_PACKAGE)/lib*.so build/npm/package/LICENSE build/llama/ && rm -rf build/npm/package
	@rm -f build/llama/libllama-common.so && touch $@

prerequisites:
	@command -v $(GO) >/dev/null || { echo "error: go is missing: Fettle is built with Go 1.26 or newer" >&2; exit 1; }
	@command -v $${CC:-cc} >/dev/null || { echo "error: a C compiler is missing: the SQLite driver needs one (Debian, Ubuntu: apt install gcc libc6-dev)" >&2; exit 1; }
	@command -v git >/dev/null || { echo "error: git is missing (Debian, Ubuntu: apt install git)" >&2; exit 1; }

clean: ## remove what was built or fetched
	rm -rf bin build
