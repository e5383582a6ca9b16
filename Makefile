# Everything here sets itself up in .venv. Needed beforehand: Python 3.11 to 3.13, make and a POSIX shell.
# Written for GNU make 3.81 too, which is macOS's.

PYTHON ?= python3
JOBS ?= 2

VENV = .venv
BIN = $(VENV)/bin
INSTALLED = $(VENV)/installed
REQUIREMENTS = requirements/dev.txt
BENCH = .venv-bench
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --custom-compile-command "make requirements" pyproject.toml

# Tests that need no other process and no browser.
FAST = $(wildcard tests/unit tests/golden tests/test_architecture.py)

# Material for MkDocs prints a banner about MkDocs 2 unless this is set.
export NO_MKDOCS_2_WARNING = 1

.DEFAULT_GOAL := help
.PHONY: help site serve test check lint format requirements bench benchmodel quality chromium clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

site: $(INSTALLED) ## Run the chapters and build the site into site/
	$(BIN)/mkdocs build --strict

serve: $(INSTALLED) ## Serve the site, and build again whatever is saved
	$(BIN)/mkdocs serve

test: lint chromium ## Everything: lint, types, all tests and every block of every chapter
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --codeblocks tests docs

check: lint ## The fast part: format, lint, types, unit tests
	$(BIN)/python -m pytest -q $(FAST)

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(INSTALLED) ## Put the code into its format and mend what lint can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

requirements: $(INSTALLED) ## Write requirements/*.txt anew; UPGRADE=1 moves to the newest versions
	$(COMPILE) $(if $(UPGRADE),--upgrade) --all-extras --group dev -o requirements/dev.txt
	$(COMPILE) $(if $(UPGRADE),--upgrade) --all-extras --group benchmarks -c requirements/dev.txt \
		-o requirements/benchmarks.txt

bench: $(BENCH)/installed ## Time builds against other tools; takes some minutes, in which nothing else should run
	$(BENCH)/bin/python -m benchmarks.build

benchmodel: ## Time the course's model against PyTorch's; PYTHON names an interpreter that has PyTorch and NumPy
	$(PYTHON) -m benchmarks.model

quality: site chromium ## Visit every page of the site as readers do: barriers, errors, weight, waiting
	$(BIN)/python -m benchmarks.quality

clean: ## Remove everything that was made, the environment too
	rm -rf $(VENV) $(BENCH) site dist .cache .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The environment follows the requirement files (with hashes, so that what is installed is what was tested).
$(INSTALLED): $(REQUIREMENTS) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
		echo 'Fathom needs Python 3.11, 3.12 or 3.13. Name one: make PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $(REQUIREMENTS)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# An environment of its own: what Fathom is compared with is no part of its development.
$(BENCH)/installed: requirements/benchmarks.txt pyproject.toml
	$(PYTHON) -m venv --clear $(BENCH)
	$(BENCH)/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $<
	$(BENCH)/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# tests/conftest.py looks in the same places, in the same order.
chromium: $(INSTALLED)
	@if [ -n "$$FATHOM_CHROMIUM" ] || command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
		|| command -v google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else $(BIN)/playwright install chromium; fi \
	|| echo 'No Chromium: tests in a browser cannot run. Set FATHOM_CHROMIUM to the path of one.' >&2
