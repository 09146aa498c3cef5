# One entry for people and for CI. Every target sets up what it needs by itself (dev/setup).
#   make demo DATA=DIR     runs the demo on the real Olist files in DIR; `make test DATA=DIR` adds the tests that need them
#   make bench ARGS="..."  passes arguments on to `eip bench engine`; ARGS works for `make demo` too

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

DATA ?=
ARGS ?=
CARGO ?= cargo
# Tests and lints see everything; a plain build needs no OpenSSL.
ALL := --locked --workspace --features tls
# A first build in minutes: without the clients of servers, and without the last optimisations.
DEMO := --locked --profile demo --no-default-features --bin eip
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
PYTHON := .venv/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
ifneq ($(DATA),)
export EIP_OLIST := $(abspath $(DATA))
endif

# The pin in rust-toolchain.toml names a version; a machine may have that version under another name.
ifndef RUSTUP_TOOLCHAIN
RUSTUP_TOOLCHAIN := $(shell dev/toolchain)
ifneq ($(RUSTUP_TOOLCHAIN),)
export RUSTUP_TOOLCHAIN
endif
endif

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: setup-build ## build without the servers' clients, and show the whole story: backfill, correction, revert, dashboard
	$(CARGO) build $(DEMO)
	$(TARGET)/demo/eip demo $(if $(DATA),--data '$(DATA)') $(ARGS)

.PHONY: up
up: setup-build ## real servers, then ingest, dataflow and api of a release build, and Airflow; prints where they are
	$(CARGO) build --locked --release --bin eip
	dev/setup python
	EIP_BIN='$(abspath $(TARGET))/release/eip' dev/services app-up
	EIP_BIN='$(abspath $(TARGET))/release/eip' dev/airflow up

.PHONY: down
down: ## stop what `make up` started; the data stays
	dev/airflow down
	dev/services app-down

.PHONY: test
test: check ## everything: check, then the integration suites and the DAGs
	@# The suites start the servers that they need (dev/test-servers); whatever happens, these are stopped.
	trap 'dev/services down --dir $(TARGET)/services-test' EXIT; $(CARGO) test $(ALL) --test '*'
	$(CARGO) test $(ALL) --doc
	$(MAKE) test-dags
	$(MAKE) services-test

.PHONY: check
check: setup lint ## format, lints and unit tests; no servers, no network
	$(CARGO) test $(ALL) --lib --bins

.PHONY: soak
soak: setup ## the same tests with every fault and random test at its full count; prints seeds
	trap 'dev/services down --dir $(TARGET)/services-test' EXIT; \
	EIP_SOAK=1 PROPTEST_CASES=2048 $(CARGO) test $(ALL) -- --nocapture
	EIP_SOAK=1 $(MAKE) test-dags
	EIP_SOAK=1 $(MAKE) test-web

.PHONY: bench
bench: setup-build ## the engine's figures on a release build: events/s, CPU seconds, peak memory
	$(CARGO) build --locked --release --bin eip
	$(TARGET)/release/eip bench engine $(if $(DATA),--data '$(DATA)') $(ARGS)

.PHONY: lint
lint: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(ALL) --all-targets -- -D warnings
	@# What `make demo` builds; most third-party crates are those of the line before.
	$(CARGO) check --locked --no-default-features --bin eip
	if command -v cargo-deny >/dev/null; then $(CARGO) deny --offline check bans licenses sources; else echo "cargo-deny is not installed: deny.toml not checked"; fi
	cd dags && ../$(PYTHON) -m ruff check --config pyproject.toml . ../bench
	cd dags && ../$(PYTHON) -m ruff format --check --config pyproject.toml . ../bench
	cd dags && ../$(PYTHON) -m mypy
	$(PYTHON) -m ruff check dev/tests
	$(PYTHON) -m ruff format --check dev/tests
	cd dev/tests && ../../$(PYTHON) -m mypy --strict .
	$(PYTHON) -m ruff check dev/web/tests
	$(PYTHON) -m ruff format --check dev/web/tests
	cd dev/web/tests && ../../../$(PYTHON) -m mypy --strict .
	dev/web/check
	.venv/bin/shellcheck --external-sources --check-sourced dev/web/check dev/setup dev/toolchain dev/services dev/airflow .ci/run deploy/answers

.PHONY: test-dags
test-dags: setup
	@# The tests' own build of the binary: another selection of packages would compile everything again.
	$(CARGO) test $(ALL) --test '*' --no-run
	EIP_BIN='$(abspath $(TARGET))/debug/eip' $(PYTHON) -m pytest dags/tests

.PHONY: services-test
services-test: setup ## dev/services against the real servers; compose.yml and deploy/; generated requests, and a generated client of `eip api`
	$(CARGO) test $(ALL) --test '*' --no-run
	EIP_BIN='$(abspath $(TARGET))/debug/eip' $(PYTHON) -m pytest dev/tests

.PHONY: test-web
test-web: setup ## the dashboard in a real Chromium, on the embedded default and on real servers; not a part of `make test`
	dev/setup browser || echo "Chromium is not installed, and cannot be: the dashboard is not tested"
	$(CARGO) test $(ALL) --test '*' --no-run
	EIP_BIN='$(abspath $(TARGET))/debug/eip' $(PYTHON) -m pytest dev/web/tests

.PHONY: setup setup-build
setup:
	@dev/setup build tls python
setup-build:
	@dev/setup build
