# Everything that `make` does can be done by hand: `. .venv/bin/activate`, then `pulumi …`, `pytest`, `prefect-infra …`.
PYTHON ?= python3
STACK ?= dev
BIN := .venv/bin
SETUP = $(PYTHON) -m infra.toolchain setup $(if $(NO_INSTALL),--no-install)

LOCKS := infra/toolchain
# No index host gets into the locks; hashes do. For all platforms that the oldest Python we run on knows.
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help setup dev dev-down prod-local doctor test unit check format lock bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  STACK=dev-ana names another stack; NO_INSTALL=1 refuses to install packages on this machine.'

setup: ## Make this checkout ready: virtualenv, Pulumi, Docker, base image
	@$(SETUP)

dev: setup ## Bring up a whole platform on the stack STACK, run a flow of each area, say where things are
	@$(BIN)/prefect-infra dev up --stack $(STACK)

dev-down: ## Destroy the stack STACK and everything that belongs to it
	@$(BIN)/prefect-infra dev down --stack $(STACK)

prod-local: setup ## Bring prod up on this machine, try it out, and take it down; KEEP=1 leaves it up
	@$(BIN)/prefect-infra prod-local $(if $(KEEP),--keep)

doctor: ## Say what this machine has, what is missing and how to get it
	@$(PYTHON) -m infra.toolchain doctor

test: ## Set up what tests need and run all of them
	@$(SETUP) --for test
	@$(MAKE) --no-print-directory check
	@failed=; \
	$(call pytest,$(SIDE_BY_SIDE) -n 2 --dist loadfile); \
	$(call pytest,$(ALONE)); \
	$(call pytest,$(addprefix --ignore=,$(SIDE_BY_SIDE) $(ALONE)) -n 2 --dist loadfile); \
	test -z "$$failed"

# Each part runs, whatever another found: who waited an hour for it wants all of it.
pytest = echo pytest $(1); $(BIN)/pytest $(1) || failed=yes

# These wait for a server of their own, or for nobody.
SIDE_BY_SIDE := $(addprefix tests/,unit program policy flows provider)
# One process after the other: the first makes the images that other stacks share (two that make one at once make two of
# one name), the second kills the engine in CI, and the rest are modules that share prod or another machine.
ALONE := $(addprefix tests/stack/test_,fresh_dev_stack.py docker_daemon.py $(addprefix prod,.py _at_work.py _goes_on.py \
	_is_changed.py)) tests/remote

unit: ## Run the fast tests, which need no Docker and no Pulumi
	@$(SETUP) --for check
	$(BIN)/pytest tests/unit tests/program -n 2 -q -m "not thorough and not server"

check: ## Look at lint, format, types and layers; change nothing
	@$(SETUP) --for check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: ## Rewrite the sources the way `check` wants them
	@$(SETUP) --for check
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Pin the Python packages again, newest that pyproject.toml allows
	@$(SETUP) --for check
	$(COMPILE) pyproject.toml -o $(LOCKS)/requirements.lock
	$(COMPILE) pyproject.toml --group dev -c $(LOCKS)/requirements.lock -o $(LOCKS)/requirements-dev.lock
	$(COMPILE) workers/requirements.in -c $(LOCKS)/requirements.lock -o workers/requirements.lock
	for area in workers/areas/*; do \
	  $(COMPILE) $$area/requirements.in -c workers/requirements.lock -o $$area/requirements.txt; done
	$(COMPILE) $(LOCKS)/go/requirements.in -o $(LOCKS)/go/requirements.lock

bench: ## Run the benchmarks
	@$(SETUP) --for test
	$(BIN)/python -m benchmarks

clean: ## Remove what set-up made in this checkout; stacks' state stays
	@$(PYTHON) -m infra.toolchain clean
