# A fresh machine needs only Python 3.11 or later: every target makes .venv by itself.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test lint type laws bench clean

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(PIP) install 'pip>=25.1'

.venv/.demo: pyproject.toml | .venv/bin/python
	$(PIP) install --editable '.[cli,testing]'
	@touch $@

.venv/.dev: pyproject.toml | .venv/bin/python
	$(PIP) install --editable '.[cli,testing]' --group dev
	@touch $@ .venv/.demo

demo: .venv/.demo
	$(BIN)/guardedbedrock demo

test: lint type laws
	$(BIN)/pytest -n auto

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: .venv/.dev
	$(BIN)/mypy

laws: .venv/.dev
	$(BIN)/lint-imports

bench: .venv/.dev
	$(BIN)/python tests/bench/budgets.py

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
