# A fresh machine needs only Python 3.11 or later: every target makes .venv by itself.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# What everyone installs, so that a release elsewhere breaks nothing here by itself. To take up new ones: `make constraints`.
CONSTRAINTS := tests/constraints.txt

.PHONY: demo test browser lint type laws docs bench fuzz mutate constraints clean

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(PIP) install 'pip>=25.1'

.venv/.demo: pyproject.toml $(CONSTRAINTS) | .venv/bin/python
	$(PIP) install --constraint $(CONSTRAINTS) --editable '.[cli,testing]'
	@touch $@

.venv/.dev: pyproject.toml $(CONSTRAINTS) | .venv/bin/python
	$(PIP) install --constraint $(CONSTRAINTS) --editable '.[cli,testing]' --group dev
	@touch $@ .venv/.demo

.venv/.browser: .venv/.dev
	$(PIP) install --constraint $(CONSTRAINTS) --group browser
	@touch $@

demo: .venv/.demo
	$(BIN)/guardedbedrock demo

test: lint type laws
	$(BIN)/pytest -n auto

# Needs Debian's chromium and chromium-driver; `make test` needs neither.
browser: .venv/.browser
	$(BIN)/pytest tests/browser/check_page.py

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: .venv/.dev
	$(BIN)/mypy

# Real frameworks over the fake, each in its own locked environment under .venvs. ONLY="anthropic litellm" runs those.
.PHONY: frameworks
frameworks: .venv/.dev
	$(BIN)/python tests/frameworks/run.py $(ONLY)

laws: .venv/.dev
	$(BIN)/lint-imports

# A test fails while a page is stale.
docs: .venv/.dev
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/generate_observability.py

# PARTS="engine clients" measures only those.
bench: .venv/.dev
	$(BIN)/python tests/bench/budgets.py $(PARTS)

# Each property on this many random examples; another run tries others.
fuzz: FUZZ_EXAMPLES ?= 1500
fuzz: .venv/.dev
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/pytest -n auto tests/fuzz tests/property

# The mutants live in a copy of the tree. MUTATE=--whole tries every one.
mutate: .venv/.dev
	$(BIN)/python tests/mutation/run.py $(MUTATE)

# Takes the newest release of everything. Commit the file when `make test` is green again.
constraints:
	rm -rf .venv
	$(MAKE) .venv/.browser CONSTRAINTS=/dev/null
	$(PIP) freeze --exclude-editable > $(CONSTRAINTS)

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf .venvs
