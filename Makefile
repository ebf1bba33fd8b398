# Everything a person does here. `make help` lists it; python3 >= 3.11 with venv, make and git are enough to begin.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
DATA ?= .tidings
SDK := $(wildcard sdk/python/pyproject.toml)
WORKERS ?= 2
TSC := npx --yes --package typescript@5.9 tsc

.DEFAULT_GOAL := help
.PHONY: help setup up demo check check-web format chromium test screenshots test-faults bench bench-quick coverage docs lock clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1: \2/p' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with every locked dependency and the tidings command

$(STAMP): requirements.lock pyproject.toml $(SDK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tidings needs Python 3.11 or newer: make setup PYTHON=python3.12")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.txt
	@$(BIN)/pip install --quiet --require-hashes -r .venv/uv.txt
	@$(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock \
		|| $(BIN)/pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --no-index --no-deps --no-build-isolation -e . $(if $(SDK),-e sdk/python)
	@touch $@

up: setup ## start the whole stack on this machine and keep it running
	@$(BIN)/tidings up --data $(DATA)

demo: setup ## run three real jobs from click to result
	@$(BIN)/tidings demo

check: setup check-web ## formatting, lint, strict types (Python's and the browser's) and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-web: ## strict types of the browser's code, where node is there
	@command -v npx >/dev/null || { echo "NOT CHECKED: the types of services/web, because node is missing"; exit 0; }; \
		$(TSC) --version >/dev/null || { echo "NOT CHECKED: the types of services/web, because npx can't fetch TypeScript"; exit 0; }; \
		$(TSC) --project services/web/tsconfig.json && echo "The types of services/web hold."

format: setup ## format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

chromium: ## find a browser for the tests, or install it as root; the one without windows takes the least time
	@command -v chromium-headless-shell || { [ "$$(id -u)" = 0 ] && command -v apt-get && apt-get update -qq && { \
		apt-get install -y -qq chromium-headless-shell || apt-get install -y -qq chromium; }; } >/dev/null 2>&1 \
		|| command -v chromium || command -v chromium-browser || command -v google-chrome \
		|| echo "Chromium is missing: the browser tests are skipped. As root: apt-get install -y chromium"

screenshots: setup chromium ## take the pictures of the docs from the running demo
	$(BIN)/python -m tests.browser.pictures docs/pictures

test: setup chromium ## run every test but the long ones, on real PostgreSQL and NATS servers and in a real browser
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not long"

test-faults: setup ## the tests that kill things, at full length
	FAULTS_EVENTS=20000 $(BIN)/pytest -s tests/faults
	$(BIN)/pytest -s -m long tests/e2e tests/api

fuzz: setup ## drive the promises with random commands for a long while
	$(BIN)/pytest tests/unit/test_promises.py tests/unit/test_dedupe.py --hypothesis-profile=fuzz --timeout=0

bench: setup ## measure this machine's limits, the peers and Tidings in three rounds, and write bench/README.md
	$(BIN)/python -m bench

bench-quick: setup ## measure the paths that matter daily, in about two minutes
	$(BIN)/python -m bench --quick

coverage: setup ## run every test and hold branch coverage at 95 %
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not long" --cov --cov-report=term --cov-fail-under=95

docs: setup ## write the pages that are generated from the code
	$(BIN)/python -m services.settings_page > docs/settings.md
	$(BIN)/python -m projections.status.states_page > docs/states.md
	$(BIN)/python -m services.schema_pages docs/schemas

lock: setup ## pin every dependency anew, with hashes
	@$(BIN)/uv pip compile --quiet --system-certs --universal --python-version 3.11 --generate-hashes --upgrade --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links --group dev pyproject.toml -o requirements.lock
	@sed -i '1i # Every dependency with its hashes. Written by `make lock`; edit pyproject.toml instead.' requirements.lock

clean: ## remove what make and the tools have made, but no data
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
