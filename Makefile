# make check is all of CI. Everything else is a part of it, or a longer look.

GO          ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

PKG         ?= ./...
TESTFLAGS   ?=
BENCHTIME   ?= 1s

# Empty until the command is written; then remove it, and the ifdefs with it.
COMMAND     := $(wildcard cmd/wtsim/*.go)

# What runs goroutines of its own. -short: ten times slower, and the order of
# events is no different.
RACE_PKG    ?= $(patsubst %,./%/...,$(wildcard probe fakes sim internal/bubble))

.DEFAULT_GOAL := help
.PHONY: help build test race lint determinism check bench soak

help: ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## compile everything; the command goes to bin/
	$(GO) build ./...
ifdef COMMAND
	$(GO) build -o bin/ ./cmd/wtsim
endif

test: ## go test (PKG=./..., TESTFLAGS=)
	$(GO) test $(TESTFLAGS) $(PKG)

race: ## go test -race -short where there are goroutines (RACE_PKG=)
	CGO_ENABLED=1 $(GO) test -race -short $(RACE_PKG)

lint: ## gofmt, go vet, staticcheck
	@bad=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .) && if [ -n "$$bad" ]; then echo "not formatted, run gofmt -w:" $$bad >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

# Same seed, same bytes, in another process and with another number of threads.
# The time taken is all that may differ. Whether the run found a violation is
# not the question here; exit code 2, bad usage, is an error.
determinism: build ## run every scenario twice, in two processes, and compare
ifdef COMMAND
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && bin=$$PWD/bin/wtsim; \
	names=$$($$bin list --json | sed -n 's/.*"name":"\([^"]*\)".*/\1/p'); \
	test -n "$$names" || { echo "determinism: wtsim list names no scenario" >&2; exit 1; }; \
	for threads in 1 2; do for name in $$names; do for seed in 1 2 3; do \
		out=$$dir/$$threads/$$name/$$seed && mkdir -p $$out && cd $$out || exit 1; \
		rc=0; GOMAXPROCS=$$threads $$bin run $$name --seed $$seed --json >raw || rc=$$?; \
		if [ $$rc -gt 1 ] && [ $$rc -ne 3 ]; then echo "determinism: $$name, seed $$seed: exit $$rc" >&2; exit 1; fi; \
		sed 's/"elapsed_ns":[0-9]*//' raw >result.json && echo "exit $$rc" >>result.json && rm raw; \
	done; done; done; \
	diff -r $$dir/1 $$dir/2 || { echo "determinism: two runs of one seed differ" >&2; exit 1; }; \
	echo "determinism: $$(echo "$$names" | wc -l) scenarios, 3 seeds each, ran twice to the same bytes"
else
	@echo "determinism: the command is not written yet, nothing was compared"
endif

# In this order: what fails soonest first, the tests last, where they are read.
check: ## all of CI: lint, build, race, determinism, test
	@for phase in lint build race determinism test; do \
		start=$$(date +%s); echo "== $$phase"; \
		$(MAKE) --no-print-directory $$phase || { echo "== $$phase FAILED after $$(($$(date +%s) - start)) s" >&2; exit 1; }; \
		echo "== $$phase: $$(($$(date +%s) - start)) s"; \
	done

bench: ## benchmarks (PKG=./..., BENCHTIME=1s)
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $(PKG)

soak: ## the long tests, up to an hour
	WTSIM_SOAK=1 $(GO) test -run Soak -count=1 -timeout 60m $(PKG)
