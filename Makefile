# Everything a developer of Reactor types. Each target installs what it needs first, once; a second call is instant.
#
#   make dev DIR=school ARGS="--port 4000"     make test ARGS="-k values -x"     make bench ARGS="W1 --quick"

DIR ?= .
ARGS ?=

stamps := .venv/installed
sources := pyproject.toml tools/install tools/find-python

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help dev test check bench docs lock clean

help: ## show this
	@awk -F ': .*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

dev: $(stamps)/dev web/school/dist/.built ## serve the application in DIR (the school application here), reloading on every change
	@exec .venv/bin/reactor dev "$(DIR)" $(ARGS)

# All at once, one process more than cores, for many wait for servers; chosen ones, by ARGS, in one process.
test: $(stamps)/test tests/clients/node_modules/.installed web/school/dist/.built ## run every test that this machine can run
	@.venv/bin/python -m pytest $(or $(ARGS),--numprocesses=$$(.venv/bin/python -c 'import os; print(min(os.cpu_count() + 1, 5))') --dist=loadfile)

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
