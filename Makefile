# Lectern. `make` alone lists what can be done; nothing is needed but Python 3.11 to 3.13 and make.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
# Where it is set, every start of Lectern and of each test process compiles all modules again.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes
OUT := out
SERVICES := gateway ingest segmenter synth notifier
# One process of tests for each core. With PARALLEL= they run one after the other, as pdb needs it.
PARALLEL ?= -n auto
PYTEST_ARGS ?=
PYTEST = -m pytest $(PARALLEL) $(PYTEST_ARGS)
MUTATE ?= libs/common/store
UPGRADE ?=

##@ To hear something

.PHONY: demo
demo: $(VENV)/run.stamp ## Read the sample book aloud: out/demo.m4b, and a file for each page
	@# A demo that was interrupted goes on; one that was finished begins anew, to be timed again.
	@if [ -e $(OUT)/demo.m4b ]; then rm -rf $(OUT)/data $(OUT)/demo $(OUT)/demo.m4b; fi
	@$(BIN)/python -m examples.book.build $(OUT)/sample.epub
	@$(BIN)/lectern read $(OUT)/sample.epub -o $(OUT)/demo.m4b \
	  --pages-folder $(OUT)/demo --data $(OUT)/data
	@$(BIN)/python scripts/how_to_open.py $(OUT)/demo.m4b $(OUT)/demo

.PHONY: serve
serve: $(VENV)/run.stamp ## Run all five services in one process, on ports 8000 to 8004
	$(BIN)/lectern serve

##@ To work on it

.PHONY: setup
setup: $(VENV)/dev.stamp ## Make .venv with everything that services and development need

.PHONY: test
test: setup ## Run every test that can run on this machine
	$(BIN)/python $(PYTEST)

.PHONY: test-fast
test-fast: setup ## Run the tests that need no server; about a minute
	$(BIN)/python $(PYTEST) --fast --durations=10 --durations-min=1

.PHONY: faults
faults: setup ## Freeze servers, and lose packets, for two minutes instead of 25 seconds
	LECTERN_TEST_FROZEN_SECONDS=120 $(BIN)/python -m pytest $(PYTEST_ARGS) tests/faults/frozen

.PHONY: lint
lint: setup ## Do all that CI does but the tests: format, lint, spelling, types, imports, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/typos
	@# The hooks that have no line of their own here; which files are ours, git knows.
	@if [ -e .git ]; then SKIP=spelling,format,lint,types,imports,generated \
	  $(BIN)/pre-commit run --all-files; fi
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m lectern.generate --check

.PHONY: check
check: lint test ## Do exactly what CI does: lint, then test

.PHONY: coverage
coverage: setup ## Print which lines no test reaches; [tool.coverage] says what is not counted, and why
	$(BIN)/coverage erase
	$(BIN)/coverage run $(PYTEST) libs services lectern tests/contracts
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

.PHONY: mutation
mutation: setup ## List changes of MUTATE="what tests..." that no test notices; takes long
	scripts/mutation $(MUTATE)

.PHONY: format
format: setup ## Format the code, and repair what ruff can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: generate
generate: setup ## Write the generated files anew: schemas, docs, .env.example
	$(BIN)/python -m lectern.generate

.PHONY: freeze
freeze: setup ## Generate, and promise for ever what schemas and golden samples of new versions say
	$(BIN)/python -m lectern.generate --freeze

.PHONY: bench
bench: setup ## Measure: ratios, printed as a table
	$(BIN)/python -m bench

##@ To run it on real servers

.PHONY: up-native
up-native: setup ## Start Kafka, PostgreSQL, S3 and the five services as processes
	$(BIN)/python -m deploy.native.up

.PHONY: smoke
smoke: setup ## Send the sample book through what up-native started
	$(BIN)/python -m deploy.native.smoke

.PHONY: down-native
down-native: setup ## End what up-native started, and remove its data
	$(BIN)/python -m deploy.native.down

##@ To look after it

# No index is named in what this writes: pip asks the one that the machine is set up with.
COMPILE = $(BIN)/uv pip compile --quiet --no-header --generate-hashes --universal \
  --fork-strategy fewest --python-version 3.11 --no-emit-index-url --no-emit-find-links \
  $(UPGRADE) pyproject.toml

.PHONY: requirements
requirements: $(VENV)/dev.stamp ## Pin and hash all packages anew; UPGRADE=--upgrade takes the newest
	$(COMPILE) --all-extras --group dev --output-file requirements/dev.txt
	$(COMPILE) --all-extras -c requirements/dev.txt --output-file requirements/lectern.txt
	for service in $(SERVICES); do \
	  extras="--extra $$service"; \
	  if [ $$service = synth ]; then extras="$$extras --extra espeak"; fi; \
	  $(COMPILE) $$extras -c requirements/dev.txt --output-file requirements/$$service.txt; \
	done

.PHONY: clean
clean: ## Remove what was made, but not .venv
	rm -rf $(OUT) .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

.PHONY: help
help: ## List what can be done
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The stamps say what .venv was made of; they are older than what it should be made of now if
# requirements changed. run.stamp: enough to run Lectern. dev.stamp: also to work on it.
$(BIN)/lectern:
	@scripts/make_venv $(VENV)

$(VENV)/run.stamp: requirements/lectern.txt | $(BIN)/lectern
	@echo "installing what Lectern needs into $(VENV) (once; a minute or so)"
	@$(PIP) -r requirements/lectern.txt
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt | $(BIN)/lectern
	@echo "installing what Lectern and its development need into $(VENV) (once; a minute or so)"
	@$(PIP) -r requirements/dev.txt
	@touch $(VENV)/run.stamp $@
