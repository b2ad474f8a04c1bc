# Everything a developer of Reactor types. Each target installs what it needs first, once; a second call is instant.
#
#   make dev DIR=school ARGS="--port 4000"     make test ARGS="-k values -x"     make bench ARGS="W1 --quick"

DIR ?= .
ARGS ?=

stamps := .venv/installed
sources := pyproject.toml tools/install tools/find-python

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help dev test test-stores check bench docs lock clean

help: ## show this
	@awk -F ': .*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

dev: $(stamps)/dev web/school/dist/.built ## serve the application in DIR (the school application here), reloading on every change
	@exec .venv/bin/reactor dev "$(DIR)" $(ARGS)

# One process more than cores, for many wait for servers.
side_by_side = --numprocesses=$$(.venv/bin/python -c 'import os; print(min(os.cpu_count() + 1, 5))') --dist=loadfile --no-loadscope-reorder

# All at once, side by side; chosen ones, by ARGS, in one process.
test: $(stamps)/test tests/clients/node_modules/.installed web/school/dist/.built ## run every test that this machine can run
	@.venv/bin/python -m pytest $(or $(ARGS),$(side_by_side))

# Where a fault of one store would show: all that functions do against models of it, what clients see of others' writes,
# jobs, and both official clients. Everything else runs there too: make test ARGS="--store postgres".
core := $(addprefix tests/,integration/programs integration/database/test_against_model.py crash/test_serializability.py \
	integration/sync/test_requests.py integration/jobs/test_executor.py integration/jobs/test_crons.py \
	clients/test_convex_client.py clients/test_http_client.py clients/test_python_client.py)

test-stores: $(stamps)/test tests/clients/node_modules/.installed ## run the core of the tests on PostgreSQL, and on a SQLite file that processes share
	@for store in postgres shared; do \
		REACTOR_TEST_PROFILE=$${REACTOR_TEST_PROFILE:-brief} .venv/bin/python -m pytest --store $$store $(side_by_side) \
			$(or $(ARGS),$(core)) || exit; done

check: $(stamps)/check ## lint, formatting, types, import order, sizes
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports
	.venv/bin/python tools/check_sizes.py
	.venv/bin/pyright

bench: $(stamps)/dev ## measure speed and memory against their floors (40 minutes; ARGS="W1 --quick" for less)
	@.venv/bin/python bench/run.py $(ARGS)

docs: $(stamps)/dev ## write the generated pages of docs/ again
	.venv/bin/python -m reactor.settings > docs/reference/settings.md

lock: ## choose versions again after a change of dependencies (ARGS=--upgrade for the newest)
	tools/lock $(ARGS)
	npm install --prefix tests/clients --package-lock-only --ignore-scripts --no-audit --no-fund

clean: ## remove what make has made; data folders stay
	rm -rf .venv build web/school/dist web/school/node_modules .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info tests/clients/node_modules
	find reactor tests tools bench functions -name __pycache__ -type d -prune -exec rm -rf {} +

$(stamps)/%: requirements/%.txt $(sources)
	@tools/install $*
	@mkdir -p $(@D) && touch $@

web/school/dist/.built: tools/build-page tools/has-node $(shell find web/school -type f -not -path '*/node_modules/*' -not -path '*/dist/*')
	@tools/build-page

tests/clients/node_modules/.installed: tests/clients/package-lock.json tools/install-clients tools/has-node
	@tools/install-clients
