# Every target does all of its own set-up. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# dbt's own files stay out of the tree, and nothing that we run phones home.
export DBT_TARGET_PATH ?= $(CURDIR)/.tokenatlas/dbt/target
export DBT_LOG_PATH ?= $(CURDIR)/.tokenatlas/dbt/logs
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false

.PHONY: help setup lock check format test test-fast demo bi bi-environment bench scorecard docs metrics clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## Create the virtual environment from the pinned lock file

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"TokenAtlas needs Python 3.11, 3.12 or 3.13, and this is {v[0]}.{v[1]}: run make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages (once; about 1.3 GB)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

lock: ## Resolve the dependencies again into requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --group dev pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --group bi --output-file requirements-bi.lock

check: setup ## Lint, format check, types, SQL style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@mkdir -p .tokenatlas/check
	TOKENATLAS_HOME=.tokenatlas/check $(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models

format: setup ## Apply formatting and the safe fixes of the linter
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: setup bi-environment ## Run every test
	$(BIN)/pytest -n 2 -m "not integration and not e2e"
	$(BIN)/pytest -n 2 -m "integration or e2e"

test-fast: setup ## Run the unit, golden and dbt tests only
	$(BIN)/pytest -n 2 -m "not integration and not e2e"

demo: setup ## Simulate a company, pull its providers, build every table, forecast, and print the result
	@$(BIN)/tokenatlas demo

bi: setup .venv-bi/.installed ## Load the dashboards into Superset and start it on http://127.0.0.1:8088
	@$(BIN)/python -m dashboards

bench: setup .venv-bench/.installed ## Measure speed and memory on generated logs; prints a report, gates nothing
	$(BIN)/python -m tests.benchmarks.forecasts
	BENCH_LITELLM_PYTHON=.venv-bench/bin/python $(BIN)/python -m tests.benchmarks

scorecard: setup ## Score forecasts and alerts on the real series of ../shared/data into docs/forecast-scorecard.md
	$(BIN)/python -W ignore::UserWarning -m tests.benchmarks.scorecard

# litellm is only compared with, never depended on: it has an environment of its own.
.venv-bench/.installed: requirements-bench.lock $(STAMP)
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@$(BIN)/uv pip sync --quiet --python .venv-bench/bin/python requirements-bench.lock
	@touch $@

# Superset wants older versions than the pipeline: it has an environment of its own.
.venv-bi/.installed: requirements-bi.lock $(STAMP)
	@test -x .venv-bi/bin/python || $(PYTHON) -m venv .venv-bi
	@echo "Installing Superset (once; about 0.8 GB)"
	@$(BIN)/uv pip sync --quiet --python .venv-bi/bin/python requirements-bi.lock
	@touch $@

bi-environment: setup
	@$(MAKE) --no-print-directory .venv-bi/.installed || echo "Superset could not be installed: the tests of the dashboards will be skipped"

docs: setup ## Build the dbt documentation site of the demo, one file that opens offline
	@home=$${TOKENATLAS_HOME:-.tokenatlas/demo}; \
	test -f "$$home/warehouse.duckdb" || { echo "There is no warehouse in $$home yet: run make demo, or set TOKENATLAS_HOME" >&2; exit 1; }; \
	TOKENATLAS_HOME=$$home $(BIN)/dbt --quiet docs generate --static --target-path "$$home/dbt_docs" && \
	echo "Open $$home/dbt_docs/static_index.html"

metrics: setup ## Ask the semantic layer of the demo: make metrics QUERY="query --metrics effective_cost --group-by owning_team"
	@TOKENATLAS_HOME=$${TOKENATLAS_HOME:-.tokenatlas/demo} $(BIN)/python -m orchestration.metricflow $(QUERY)

clean: ## Remove everything that can be rebuilt (never the lake)
	rm -rf .tokenatlas/dbt .pytest_cache .mypy_cache .ruff_cache .hypothesis
