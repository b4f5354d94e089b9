# A fresh machine needs only Python 3.11 or later: every target makes .venv by itself.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# What everyone installs, so that a release elsewhere breaks nothing here by itself. To take up new ones: `make constraints`.
CONSTRAINTS := tests/constraints.txt

# aiobotocore holds boto3 back, so what is awaited is tested in an environment of its own; its other packages are as above.
AIO := .venv-aio/bin
AIO_CONSTRAINTS := tests/constraints-aio.txt
AIO_PIP := $(AIO)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test browser aio lint type laws docs bench soak bench-aio fuzz mutate compat constraints clean

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

.venv-aio/bin/python:
	$(PYTHON) -m venv .venv-aio
	$(AIO_PIP) install 'pip>=25.1'

.venv-aio/.dev: pyproject.toml $(AIO_CONSTRAINTS) | .venv-aio/bin/python
	$(AIO_PIP) install --constraint $(AIO_CONSTRAINTS) --editable '.[aio,testing,tls]' --group aio
	@touch $@

.venv-oldest/bin/python .venv-newest/bin/python:
	$(PYTHON) -m venv $(@:/bin/python=)
	$@ -m pip --quiet --disable-pip-version-check install 'pip>=25.1'

.venv-oldest/.dev: pyproject.toml tests/constraints-oldest.txt | .venv-oldest/bin/python
	.venv-oldest/bin/python -m pip --quiet --disable-pip-version-check install --constraint tests/constraints-oldest.txt \
		--editable '.[cli,testing,tls]' --group dev
	@touch $@

.venv-newest/.dev: pyproject.toml | .venv-newest/bin/python
	.venv-newest/bin/python -m pip --quiet --disable-pip-version-check install --upgrade --upgrade-strategy eager \
		--editable '.[cli,testing,tls]' --group dev
	@touch $@

demo: .venv/.demo
	$(BIN)/guardedbedrock demo

test: lint type laws
	$(BIN)/pytest -n auto

# Needs Debian's chromium and chromium-driver; `make test` needs neither.
browser: .venv/.browser
	$(BIN)/pytest tests/browser/check_page.py

aio: .venv-aio/.dev
	$(AIO)/pytest -n auto tests/aio

# With the oldest boto3 that the metadata promises, and with the newest that there is: whatever leans on boto3.
COMPATIBLE ?= tests/aws tests/bypass tests/faults tests/stages tests/telemetry tests/bedrock tests/fake tests/test_guard.py tests/test_errors.py
compat: .venv-oldest/.dev .venv-newest/.dev
	.venv-oldest/bin/pytest -n auto $(COMPATIBLE)
	.venv-newest/bin/pytest -n auto $(COMPATIBLE)

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

bench-aio: .venv-aio/.dev
	$(AIO)/python tests/bench/of_async.py

# At least 20,000 calls by 8 threads in 2 minutes, with faults on one in twenty; then 64 threads on one guarded client, each with as
# many calls as SOAK_CALLS says. All tests together make a few.
soak: SOAK_CALLS ?= 200
soak: .venv/.dev
	$(BIN)/python tests/soak/run.py
	SOAK_CALLS=$(SOAK_CALLS) $(BIN)/pytest tests/soak/test_guarded_threads.py

# Each property on this many random examples; another run tries others.
fuzz: FUZZ_EXAMPLES ?= 1500
fuzz: .venv/.dev
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/pytest -n auto tests/fuzz tests/properties

# The mutants live in a copy of the tree. MUTATE=--whole tries every one.
mutate: .venv/.dev
	$(BIN)/python tests/mutation/run.py $(MUTATE)

# Takes the newest release of everything. Commit the file when `make test` is green again.
constraints:
	rm -rf .venv
	$(MAKE) .venv/.browser CONSTRAINTS=/dev/null
	$(PIP) freeze --exclude-editable > $(CONSTRAINTS)
	rm -rf .venv-aio
	$(MAKE) .venv-aio/.dev AIO_CONSTRAINTS=/dev/null
	$(AIO_PIP) freeze --exclude-editable > $(AIO_CONSTRAINTS)

clean:
	rm -rf .venv .venv-aio .venv-oldest .venv-newest build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf .venvs
