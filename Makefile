# recsys: `make` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
.DEFAULT_GOAL := help
.PHONY: help setup run test test-all bench check fmt docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "recsys needs Python 3.11 or newer, found %d.%d; set PYTHON=python3.11" % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

setup: $(STAMP) ## make .venv and install everything (seconds when it is up to date)

run: setup ## the whole main job on the built-in sample world
	@$(BIN)/recsys demo

test: setup ## the tests (minutes)
	@$(BIN)/python -m pytest

test-all: setup ## the tests, slow ones too, and new random examples
	@HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest -m 'not bench'

bench: setup ## benchmarks against the peers; writes bench.json
	@$(BIN)/python -m tests.benchmarks

check: setup ## lint, format, types, layers, tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest

fmt: setup ## format and fix what can be fixed
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: setup ## check that the documents say what the code does
	@$(BIN)/python -m pytest tests/test_documents.py

clean: ## remove what the targets made, .venv too
	rm -rf .venv build dist *.egg-info data/raw/sample data/features/sample data/tables/sample data/bundles/sample data/out/sample
