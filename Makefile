# make check is all of CI. Everything else is a part of it, or a longer look.

GO          ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

PKG         ?= ./...
TESTFLAGS   ?=
BENCHTIME   ?= 1s

# What runs goroutines of its own. -short: ten times slower, and the order of
# events is no different. Not fakes/fakestest: what its tests are about are
# fakes that are broken on purpose, and Google's own, which has a race.
RACE_PKG    ?= $(patsubst %,./%/...,$(wildcard probe fakes/gcs fakes/pubsub fakes/redis fakes/tasks fakes/web sim internal/bubble))

# Where the runtime may make a difference: not where monitors and recordings are
# only computed.
PATCHED_PKG ?= $(if $(filter ./...,$(PKG)),$(shell $(GO) list ./... | grep -vE '/wtsim/(monitor|event|schemas)(/|$$)'),$(PKG))

# Modules of their own, that use wtsim as a stranger would.
EXAMPLES    := $(dir $(wildcard examples/*/go.mod))

.DEFAULT_GOAL := help

.PHONY: help build test race patched lint examples check bench soak conformance oracles torture page

help: ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## compile everything; the command goes to bin/
	$(GO) build ./...
	$(GO) build -o bin/ ./cmd/wtsim

test: ## go test (PKG=./..., TESTFLAGS=)
	$(GO) test -timeout 60m $(TESTFLAGS) $(PKG)

race: ## go test -race -short where there are goroutines (RACE_PKG=)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 30m $(RACE_PKG)

patched: ## wtsim test -short: the tests again, on the patched runtime (PKG=)
	$(GO) run ./cmd/wtsim test -short -timeout 30m $(TESTFLAGS) $(PATCHED_PKG)

lint: ## gofmt, go.mod of the examples, go vet, staticcheck
	@bad=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .) && if [ -n "$$bad" ]; then echo "not formatted, run gofmt -w:" $$bad >&2; exit 1; fi
	@for m in $(EXAMPLES); do (cd $$m && $(GO) mod tidy -diff) || { echo "$$m: its go.mod is not as its code wants, run go mod tidy there" >&2; exit 1; }; done
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

examples: ## the modules under examples/, as their owners would test them
	@set -e; for m in $(EXAMPLES); do (cd $$m && $(GO) vet ./... && $(GO) test $(TESTFLAGS) ./...); done

# In this order: what fails soonest first, the tests last, where they are read.
check: ## all of CI: lint, build, race, patched, test
	@for phase in lint build race patched examples test; do \
		start=$$(date +%s); echo "== $$phase"; \
		$(MAKE) --no-print-directory $$phase || { echo "== $$phase FAILED after $$(($$(date +%s) - start)) s" >&2; exit 1; }; \
		echo "== $$phase: $$(($$(date +%s) - start)) s"; \
	done

# Where there is no redis-server it is installed, if this may be done here.
conformance: ## the fakes' suites, also against a real redis-server (installs it with apt-get)
	@command -v redis-server >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server; } >/dev/null 2>&1 || \
		{ echo "make conformance: there is no redis-server, and apt-get cannot install it here" >&2; exit 1; }
	WTSIM_REDIS=1 $(GO) test -count=1 -run 'RealRedis|Notices|Conformance' ./fakes/...

oracles: ## the fakes' suites against others' fakes of AWS, whose differences are decided; ten minutes
	cd fakes/fakestest/oracles && $(GO) test -count=1 -timeout 40m ./...

bench: ## benchmarks (PKG=./..., BENCHTIME=1s)
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $(PKG)

soak: ## the long tests, up to an hour
	WTSIM_SOAK=1 $(GO) test -run Soak -count=1 -timeout 60m $(PKG)
	WTSIM_LONG=1 $(GO) test -count=1 -timeout 60m ./cmd/wtsim/e2e
	WTSIM_LONG=1 $(GO) test -run TestReproduceReal -count=1 -timeout 60m ./scenarios

TORTURE     ?= 10000000

torture: ## kill -9 a monitor fifty times in ten million events, fill its disk, cut its power, kill the nodes of a cluster in turn (TORTURE=events)
	WTSIM_TORTURE=$(TORTURE) $(GO) test -run 'TestTorture' -count=1 -v -timeout 3h ./cmd/wtsim/command ./monitor/stream/service

page: ## the monitor's page, and those of runs, in Debian's chromium (installs it with apt-get; WTSIM_SHOTS=dir for pictures)
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 || \
		{ echo "make page: there is no chromium, and apt-get cannot install it here" >&2; exit 1; }
	$(GO) test -count=1 -v -run 'Chromium' ./monitor/stream/service ./sim/report
