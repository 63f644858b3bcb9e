# Everything a person or a machine does with Treadle, each by one word. The work is in extension/dev/*.sh and package.json.
# A target says what is missing and how to get it; running one twice does nothing twice.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

DEV := extension/dev
PY := .venv/bin/python
WORKSPACE ?=
MCP_SERVERS := tests/adapters/mcp/npm
PEERS := tests/peers/npm
WEB_SOURCES := $(shell find extension/src extension/webview extension/media -type f ! -name '*.test.ts' 2>/dev/null)
WEB_CONFIG := $(wildcard extension/package.json extension/tsconfig*.json extension/esbuild.* extension/.vscodeignore)
SIDECAR := $(shell find sidecar -type f ! -name '*.pyc' 2>/dev/null)

.PHONY: setup run test check unit e2e bench soak faults fuzz generate package clean help model

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: .venv/.made extension/dist/.built $(MCP_SERVERS)/node_modules/.made $(PEERS)/node_modules/.made .venv/peers/.made ## make .venv, build the extension, get what tests need
	@echo "Ready: .venv/bin/treadle, make run, make test."

.venv/.made: pyproject.toml constraints.txt $(DEV)/python.sh
	@$(DEV)/system.sh
	@$(DEV)/python.sh dev
	@touch $@

extension/node_modules/.made: extension/package-lock.json
	@$(DEV)/node.sh
	@$(DEV)/build.sh install
	@touch $@

$(MCP_SERVERS)/node_modules/.made: $(MCP_SERVERS)/package-lock.json
	@$(DEV)/node.sh
	@$(DEV)/mcp_servers.sh $(MCP_SERVERS)
	@touch $@

$(PEERS)/node_modules/.made: $(PEERS)/package-lock.json
	@$(DEV)/node.sh
	@$(DEV)/mcp_servers.sh $(PEERS) "Programs for tests that others have written"
	@touch $@

.venv/peers/.made: tests/peers/python.txt .venv/.made
	@$(DEV)/peers.sh
	@touch $@

extension/dist/.built: extension/node_modules/.made $(WEB_SOURCES) $(WEB_CONFIG)
	@$(DEV)/build.sh build
	@touch $@

run: setup package ## VS Code with Treadle in it; WORKSPACE=folder to open your own
	@$(DEV)/run.sh "$(WORKSPACE)"

package: setup ## the extension as extension/dist/treadle-*.vsix, with the sidecar inside
	@$(DEV)/bundle.sh
	@$(DEV)/build.sh package

test: setup model ## everything that must hold: checks, unit tests, end-to-end tests
	@$(DEV)/test.sh check unit e2e

check: setup ## protocol drift, lint, format, types
	@$(DEV)/test.sh check

unit: setup model ## all tests but those in VS Code
	@$(DEV)/test.sh unit

e2e: setup ## the tests in a real VS Code in a real browser
	@$(DEV)/test.sh e2e

model: setup
	@$(DEV)/python.sh local-small

bench: setup ## the numbers of this machine; PEER=codex measures Codex beside it
	@$(PY) -m tests.bench

soak: setup ## one hour of mixed load (SOAK_SECONDS): memory, descriptors, processes and threads end where they began
	@PYTHONPATH=tests $(PY) -m soak

faults: setup ## a thousand seeded runs (FAULT_RUNS) with a proxy between sidecar and model that does its worst
	@$(PY) -m tests.faults

fuzz: setup ## thousands of random examples (FUZZ_EXAMPLES a test) of bad input to all that reads any
	@export FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-2000}; code=0; \
	.venv/bin/pytest -q --tb=short tests/fuzz || code=$$?; \
	.venv/bin/pytest -q --tb=short --timeout=0 -m hypothesis --ignore=tests/fuzz tests || code=$$?; exit $$code

generate: .venv/.made ## protocol/schema and extension/src/protocol.ts from sidecar/treadle/server/wire
	@$(PY) protocol/generate.py

clean: ## remove what the other targets made in this folder
	rm -rf .venv build extension/node_modules extension/dist extension/bundled tests/e2e/vscode/node_modules $(MCP_SERVERS)/node_modules $(PEERS)/node_modules tests/e2e/shots .pytest_cache .ruff_cache .hypothesis
