# Everything one does here. `make` alone lists it. Needs python3 (3.11 or later, with venv) and make; the rest is
# installed into .venv, from the lock files and with their hashes required.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
PORT ?= 8000
ARGS ?=

VENV ?= .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
TOOLS := $(VENV)/.tools-installed
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
IN_MEMORY_TESTS := tests/domain tests/application tests/contracts tests/entrypoints
FAST_TESTS := $(wildcard tests/domain tests/application tests/architecture)

SWAGGER_UI := 5.35.0
REDOC := 2.5.4
STATIC := entrypoints/http/static

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# What runs, and what builds. `pip install -e` needs the build tool, and may not download it unhashed.
$(RUNTIME): requirements.lock requirements-build.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Moothall needs Python 3.11 or later")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements.lock -r requirements-build.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	touch $@

$(TOOLS): $(RUNTIME) requirements-dev.lock
	$(INSTALL) --require-hashes -r requirements-dev.lock
	touch $@

.PHONY: setup
setup: $(TOOLS) ## Install everything into .venv (the other targets do it by themselves)

.PHONY: serve
serve: $(RUNTIME) ## Serve on http://127.0.0.1:8000 with SQLite in moothall-data (PORT=…, ARGS=--memory)
	@exec $(BIN)/moothall serve --port $(PORT) $(ARGS)

.PHONY: test
test: $(TOOLS) ## Run every test but the browser's; one that is skipped counts as failed (ARGS="-k word")
	$(BIN)/python -m pytest -n 2 -m "not browser" -p tests.project.nothing_skipped $(ARGS)

.PHONY: test-pythons
test-pythons: ## Run `make test` on every Python from 3.11 to 3.13 that is found, each in an environment of its own
	@found="$$(tests/project/pythons.sh)"; failed=; \
	while read -r minor python; do \
		echo "== Python $$minor"; \
		$(MAKE) --no-print-directory test VENV=.venv-$$minor PYTHON=$$python </dev/null || failed="$$failed $$minor"; \
	done <<<"$$found"; \
	echo "tried: $$(cut -d ' ' -f 1 <<<"$$found" | xargs); failed:$${failed:- none}"; test -z "$$failed"

.PHONY: test-browser
test-browser: $(TOOLS) ## Open the pages in Chromium, and run a client in Node; needs Chromium, Node and npm
	$(BIN)/python -m pytest -m browser -p tests.project.nothing_skipped tests/browser $(ARGS)

.PHONY: coverage
coverage: $(TOOLS) ## Measure how much of domain and application is reached by tests in memory, with branches; under 98 % fails
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n 2 -m "not browser" -k "not sqlite and not postgresql" $(IN_MEMORY_TESTS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

.PHONY: mutants
mutants: $(TOOLS) ## Change the domain in thousands of places, and see whether its tests notice; under 95 % fails
	$(BIN)/python -m tests.mutants $(ARGS)

.PHONY: check
check: $(TOOLS) ## Check format, lint, types, imports and dependencies, and run the fast tests, in under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/bandit -c pyproject.toml -q -r domain application adapters entrypoints migrations tests/kit
	$(BIN)/python -m tests.project.audit --if-reachable
	$(BIN)/python -m pytest -q -n 2 -p tests.project.nothing_skipped $(FAST_TESTS)

.PHONY: docs
docs: $(TOOLS) ## Write the reference anew from the code, and build the documentation into site/; a broken link fails
	$(BIN)/python -m tests.project.reference
	$(BIN)/zensical build --clean --strict

.PHONY: format
format: $(TOOLS) ## Format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: audit
audit: $(TOOLS) ## Look the locked packages up in the advisory database; one that cannot be looked up fails
	$(BIN)/python -m tests.project.audit $(ARGS)

.PHONY: drills
drills: $(TOOLS) ## Kill, freeze, restart, race and time at many instants, and print a table (ARGS="--seed 2 fleet", ARGS=--help)
	$(BIN)/python -W ignore -m tests.drills $(ARGS)

.PHONY: bench
bench: $(TOOLS) ## Measure against the peers and print a table (ARGS=--quick, ARGS=--help)
	$(BIN)/python -m tests.benchmarks $(ARGS)

.PHONY: foreign-exports
foreign-exports: $(TOOLS) ## Make members in other systems, and export them anew into tests/foreign/exports (needs sqlite3)
	$(BIN)/python -m tests.foreign

# The peers of the benchmark live in an environment of their own: fastapi-users wants an older SQLAlchemy. What else
# they share with us comes in our version, so that a figure compares the servers and not the releases below them.
PEERS_RUN_ON := asyncpg bcrypt cryptography fastapi httptools pydantic pyjwt python-multipart starlette uvicorn uvloop
NOT_SHARED := sqlalchemy|email-validator
COMPILE = $(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" --no-emit-index-url --no-annotate $(ARGS)
PINS := sed -n 's/^\([a-z0-9._-]*==[^\\]*[^ \\]\).*/\1/p'

.PHONY: lock
lock: $(TOOLS) ## Write the lock files anew; pins stay where they can (ARGS=--upgrade moves them all)
	$(BIN)/python -m uv --version >/dev/null 2>&1 || $(INSTALL) uv
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --group dev -c <($(PINS) requirements.lock) -o requirements-dev.lock
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| $(COMPILE) - -c <($(PINS) requirements-dev.lock) -o requirements-build.lock
	printf '%s\n' $(PEERS_RUN_ON) | $(COMPILE) - --group pyproject.toml:bench \
		-c <($(PINS) requirements.lock | grep -vE '^($(NOT_SHARED))==') -o requirements-bench.lock
	$(COMPILE) --group pyproject.toml:clients -o requirements-clients.lock

# Two changes are made to what the packages hold, both so that no page asks another host for anything: ReDoc's logo
# is not loaded from its makers' server, and Swagger UI does not send the schema to its makers' validator.
VENDORED := swagger-ui-bundle.js swagger-ui-bundle.js.LICENSE.txt swagger-ui.css swagger-ui.LICENSE.txt \
	swagger-ui.NOTICE.txt favicon-32x32.png redoc.standalone.js redoc.standalone.js.LICENSE.txt redoc.LICENSE.txt

.PHONY: vendor
vendor: ## Fetch Swagger UI and ReDoc into entrypoints/http/static (needs npm; versions stand in the Makefile)
	@work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; cd "$$work"; \
	npm pack --silent swagger-ui-dist@$(SWAGGER_UI) redoc@$(REDOC) >packed; \
	mkdir swagger-ui redoc; \
	tar -xzf swagger-ui-dist-$(SWAGGER_UI).tgz -C swagger-ui --strip-components=1; \
	tar -xzf redoc-$(REDOC).tgz -C redoc --strip-components=1; \
	cp swagger-ui/LICENSE swagger-ui.LICENSE.txt; cp swagger-ui/NOTICE swagger-ui.NOTICE.txt; \
	cp redoc/LICENSE redoc.LICENSE.txt; \
	cp swagger-ui/{swagger-ui-bundle.js,swagger-ui-bundle.js.LICENSE.txt,swagger-ui.css,favicon-32x32.png} .; \
	cp redoc/bundles/{redoc.standalone.js,redoc.standalone.js.LICENSE.txt} .; \
	sed -i 's|"https://validator.swagger.io/validator"|null|g' swagger-ui-bundle.js; \
	sed -i 's|https://cdn.redoc.ly/redoc/logo-mini.svg|data:,|g' redoc.standalone.js; \
	sed -i '$$ s|^/\*# sourceMappingURL=.*\*/$$||' swagger-ui.css; \
	sed -i '$$ s|^//# sourceMappingURL=.*||' redoc.standalone.js; \
	chmod 644 $(VENDORED); sha256sum $(VENDORED) >SHA256SUMS; \
	cp $(VENDORED) SHA256SUMS "$(CURDIR)/$(STATIC)"

.PHONY: clean
clean: ## Remove environments, caches and builds; the members' data in moothall-data stays
	rm -rf .venv .venv-* .bench .clients .cache site dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
