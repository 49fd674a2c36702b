# Every target sets itself up: the first run creates .venv from requirements.lock.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PROFILE ?= short
BASE ?= origin/main
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help setup demo test test-all check lint types imports files audit perf compare bench bench-compare peers lock format clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 15

setup: $(READY) ## Create .venv from the pinned, hashed lock (done by every target)

$(READY): requirements.lock pyproject.toml packages/loadcheck/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing from requirements.lock ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--editable . --editable packages/loadcheck
	@touch $@

demo: setup ## Simulator and service on http://127.0.0.1:8000; Ctrl-C stops both
	@exec $(BIN)/wisphub-api demo

PYTEST := $(BIN)/pytest --dist worksteal

test: setup ## Unit tests and a short choice of system tests, in parallel: two minutes on two idle cores
	$(PYTEST) -n auto -m "not perf and not bench and (not system or smoke)"

# System tests mostly wait for processes: more of them at once than there are cores.
test-all: setup ## All but load tests: unit tests with the coverage gate, system tests, micro-benchmarks unmeasured
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist worksteal tests/unit packages/loadcheck/tests/unit --junitxml=reports/unit.xml
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage xml -q -o reports/coverage.xml
	$(BIN)/coverage report
	$(PYTEST) -n 4 tests/system packages/loadcheck/tests/system --junitxml=reports/system.xml
	$(PYTEST) -n auto -q -p benchmark -m "bench and not large" tests/perf/micro --benchmark-disable

check: lint types imports files ## Lint, types, import rules, Containerfile, .gitlab-ci.yml

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

files: setup
	$(BIN)/hadolint Containerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci .gitlab-ci.yml

audit: setup ## Known holes in what the service stands on, asked of the package index
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --requirement requirements-service.lock

perf: setup ## Load tests; PROFILE=documented for the long ones
	$(BIN)/pytest -m perf --perf-profile=$(PROFILE) --reruns 2 --only-rerun RunVoid --only-rerun RunInconclusive --junitxml=perf-results/junit.xml

compare: setup ## Is this tree slower than BASE (origin/main)? Five minutes at most; a void run is made once more
	$(BIN)/pytest -m perf --perf-base=$(BASE) --perf-profile=$(PROFILE) --reruns 1 --only-rerun ComparisonVoid --junitxml=perf-results/junit.xml $(ARGS)

BENCH := $(if $(LARGE),bench,bench and not large)

bench: setup ## Micro-benchmarks, kept in perf-results/bench; LARGE=1 for those of 500,000 clients too
	$(BIN)/pytest -p benchmark -m "$(BENCH)" tests/perf/micro --timeout=1800 --benchmark-autosave --benchmark-storage=perf-results/bench \
		--benchmark-group-by=group --benchmark-sort=name --benchmark-columns=min,median,iqr,rounds --benchmark-max-time=0.5 $(ARGS)
	$(BIN)/python tests/perf/micro/footprint.py 2000 50000 $(if $(LARGE),500000)

bench-compare: setup ## Are the micro-benchmarks slower than BASE's? A verdict in at most eleven minutes
	$(BIN)/loadcheck micro --base=$(BASE) $(ARGS)

peers: setup ## Our speed beside the limit's and the peers'; ARGS=--quick to see that it runs, ARGS=--help for more
	$(BIN)/python -m benchmarks.peers $(ARGS)

format: setup ## Format the code and mend what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-package wisphub-api --no-emit-package loadcheck --custom-compile-command "make lock"

lock: setup ## Write the locks anew: everything, the service alone, what builds it
	$(COMPILE) --extra dev --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra redis --constraint requirements.lock --output-file requirements-service.lock pyproject.toml
	echo hatchling | $(COMPILE) --constraint requirements.lock --output-file requirements-build.lock -

clean: ## Remove what the other targets made
	rm -rf .venv .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache perf-results reports dist .loadcheck
	git worktree prune
