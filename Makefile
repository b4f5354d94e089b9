# A fresh machine needs only Python 3.11 or later: every target creates the environment that it uses.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# Pinned versions, so that a release of a dependency cannot break a build. `make constraints` renews them.
CONSTRAINTS := tests/constraints.txt

# aiobotocore pins an older boto3, so the async tests use an environment of their own.
AIO := .venv-aio/bin
AIO_CONSTRAINTS := tests/constraints-aio.txt
AIO_PIP := $(AIO)/python -m pip --quiet --disable-pip-version-check

# PySpark has 500 MB, so its tests use a separate environment.
SPARK := .venv-spark/bin
SPARK_CONSTRAINTS := tests/constraints-spark.txt
SPARK_PIP := $(SPARK)/python -m pip --quiet --disable-pip-version-check

AWS_CLI_VERSION := 1.46.3

.PHONY: demo test browser clients aio compat lint type laws docs bench bench-aio soak fuzz mutate frameworks typing build constraints clean

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(PIP) install 'pip>=25.1'

.venv/.demo: pyproject.toml $(CONSTRAINTS) | .venv/bin/python
	$(PIP) install --constraint $(CONSTRAINTS) --editable '.[cli,proof,testing]'
	@touch $@

.venv/.dev: pyproject.toml $(CONSTRAINTS) | .venv/bin/python
	$(PIP) install --constraint $(CONSTRAINTS) --editable '.[cli,testing]' --group dev
	@touch $@ .venv/.demo

.venv/.browser: .venv/.dev
	$(PIP) install --constraint $(CONSTRAINTS) --group browser
	@touch $@

.venv/.build: .venv/.dev
	$(PIP) install --constraint $(CONSTRAINTS) --group build
	@touch $@

# Only reads the code: the packages of the project are not needed.
.venv-site/.installed: pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv .venv-site
	.venv-site/bin/python -m pip --quiet --disable-pip-version-check install 'pip>=25.1'
	.venv-site/bin/python -m pip --quiet --disable-pip-version-check install --constraint $(CONSTRAINTS) --group site
	@touch $@

.venv-aio/bin/python:
	$(PYTHON) -m venv .venv-aio
	$(AIO_PIP) install 'pip>=25.1'

.venv-aio/.dev: pyproject.toml $(AIO_CONSTRAINTS) | .venv-aio/bin/python
	$(AIO_PIP) install --constraint $(AIO_CONSTRAINTS) --editable '.[aio,testing,tls]' --group aio
	@touch $@

.venv-spark/bin/python:
	$(PYTHON) -m venv .venv-spark
	$(SPARK_PIP) install 'pip>=25.1'

.venv-spark/.dev: pyproject.toml $(SPARK_CONSTRAINTS) | .venv-spark/bin/python
	$(SPARK_PIP) install --constraint $(SPARK_CONSTRAINTS) --editable '.[replay,spark,testing]' pytest
	@touch $@

.venv-cli/.installed:
	$(PYTHON) -m venv .venv-cli
	.venv-cli/bin/python -m pip --quiet --disable-pip-version-check install awscli==$(AWS_CLI_VERSION)
	@touch $@

examples/node/node_modules: examples/node/package.json
	npm install --prefix examples/node --no-package-lock --no-audit --no-fund --silent
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

tests/browser/node_modules: tests/browser/package.json
	npm install --prefix tests/browser --no-package-lock --no-audit --no-fund --silent
	@touch $@

# Needs Debian's chromium and chromium-driver, and npm for axe-core.
browser: .venv/.browser tests/browser/node_modules
	$(BIN)/pytest tests/browser/check_page.py tests/browser/check_replay_page.py tests/browser/check_report_page.py

# Clients that are not Python libraries: the AWS CLI, and Node with npm.
clients: .venv/.dev .venv-cli/.installed examples/node/node_modules
	AWS_CLI=$(CURDIR)/.venv-cli/bin/aws $(BIN)/pytest tests/clients/check_aws_cli.py tests/clients/check_node.py

aio: .venv-aio/.dev
	$(AIO)/pytest -n auto tests/aio

# Everything that depends on boto3, with the oldest supported version and with the newest release.
COMPATIBLE ?= tests/aws tests/bypass tests/faults tests/stages tests/telemetry tests/bedrock tests/fake tests/test_guard.py tests/test_errors.py
compat: .venv-oldest/.dev .venv-newest/.dev
	.venv-oldest/bin/pytest -n auto $(COMPATIBLE)
	.venv-newest/bin/pytest -n auto $(COMPATIBLE)

# The replay on Spark in local mode. Needs Java 17, which is installed from Debian if there is no `java`.
.PHONY: spark
spark: .venv-spark/.dev
	command -v java > /dev/null || (apt-get update -qq && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless)
	SPARK_LOCAL_IP=127.0.0.1 $(SPARK)/pytest -W default --confcutdir=tests/spark tests/spark/check_spark_replay.py

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: .venv/.dev
	$(BIN)/mypy

# mypy and pyright with each distribution of boto3's stubs, in environments under .venvs.
typing: .venv/.dev
	$(BIN)/python tests/types_check/run.py

# Each framework has its own locked environment under .venvs. ONLY="anthropic litellm" runs those two.
frameworks: .venv/.dev
	$(BIN)/python tests/frameworks/run.py $(ONLY)

# The tests of other projects with the guard installed. ONLY="moto strands" runs those two. Not a part of CI.
.PHONY: neighbours
neighbours: .venv/.dev
	$(BIN)/python tests/neighbours/run.py $(ONLY)

laws: .venv/.dev
	$(BIN)/lint-imports

# Generated pages. A test fails while one is stale.
docs: .venv/.dev
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/generate_observability.py
	$(BIN)/python docs/generate_fake.py
	$(BIN)/python docs/generate_configuration.py
	$(BIN)/python docs/generate_errors.py
	$(BIN)/python docs/generate_rules.py
	$(BIN)/python docs/generate_architecture.py

# The documentation site, in `site/`. A warning fails the build.
.PHONY: site
site: export NO_MKDOCS_2_WARNING := 1
site: .venv-site/.installed
	.venv-site/bin/mkdocs build --strict --quiet
	.venv-site/bin/python tests/docs/check_site.py site

# Builds two versions of the site into a branch of a temporary clone, as two releases do, and checks the list of versions.
.PHONY: site-versions
site-versions: export NO_MKDOCS_2_WARNING := 1
site-versions: .venv-site/.installed
	.venv-site/bin/python tests/docs/check_versions.py

# Types every command of docs/quickstart.md, with those that install this checkout into a new environment.
.PHONY: quickstart
quickstart: .venv/.dev
	QUICKSTART_INSTALL=1 $(BIN)/pytest tests/docs/test_quickstart.py

# Lays out every file of test cases; a test fails while one is not in this layout.
.PHONY: format-cases
format-cases: .venv/.dev
	$(BIN)/python tests/harness/case_format.py

# PARTS="engine clients" measures only those parts.
bench: .venv/.dev
	$(BIN)/python tests/bench/budgets.py $(PARTS)

bench-aio: .venv-aio/.dev
	$(AIO)/python tests/bench/of_async.py

# At least 20,000 calls by 8 threads in 2 minutes with faults on 5 %, then 64 threads on one client with SOAK_CALLS calls each,
# then forks and generators with an audit file, calls to 100,000 models, and 10,000 calls for each way to lose a source.
soak: SOAK_CALLS ?= 200
soak: .venv/.dev
	$(BIN)/python tests/soak/run.py
	SOAK_CALLS=$(SOAK_CALLS) $(BIN)/pytest tests/soak/test_guarded_threads.py
	SOAK_ROUNDS=50 SOAK_MODELS=100000 $(BIN)/pytest tests/soak/test_processes.py tests/soak/test_memory.py
	SOAK_SOURCE_CALLS=10000 $(BIN)/pytest tests/sources/test_source_faults.py

# Random examples for each property; every run tries others.
FUZZ ?= tests/fuzz tests/properties tests/governance/proof/test_proof_agrees_with_engine.py \
	tests/governance/proof/test_proof_agrees_with_enumeration.py
fuzz: FUZZ_EXAMPLES ?= 1500
fuzz: .venv/.dev
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/pytest -n auto $(FUZZ)

# Compares proofs with enumeration until 20,000 refuted questions are confirmed in all; a run goes on where the last one stopped.
.PHONY: fuzz-proofs
fuzz-proofs: .venv/.dev
	$(BIN)/python tests/fuzz/proofs.py $(PROOFS)

# Mutation testing, on a copy of the tree. MUTATE=--whole tries every mutant.
mutate: .venv/.dev
	$(BIN)/python tests/mutation/run.py $(MUTATE)

# Builds sdist and wheel, checks their metadata, and runs the demo from the wheel in a clean environment.
build: .venv/.build
	rm -rf dist .venv-wheel
	$(BIN)/python -m build --quiet
	$(BIN)/twine check --strict dist/*
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip --quiet --disable-pip-version-check install --constraint $(CONSTRAINTS) \
		"guardedbedrock[cli,testing] @ file://$(CURDIR)/$$(ls dist/*.whl)"
	cd / && $(CURDIR)/.venv-wheel/bin/guardedbedrock demo
	rm -rf .venv-wheel

# Takes the newest release of everything. Commit the files when `make test aio` passes again.
constraints:
	rm -rf .venv
	$(MAKE) .venv/.browser .venv/.build CONSTRAINTS=/dev/null
	rm -rf .venv-site
	$(MAKE) .venv-site/.installed CONSTRAINTS=/dev/null
	{ $(PIP) freeze --exclude-editable; .venv-site/bin/python -m pip --quiet --disable-pip-version-check freeze; } \
		| LC_ALL=C sort --unique --ignore-case --field-separator '=' --key 1,1 > $(CONSTRAINTS)
	rm -rf .venv-aio
	$(MAKE) .venv-aio/.dev AIO_CONSTRAINTS=/dev/null
	$(AIO_PIP) freeze --exclude-editable > $(AIO_CONSTRAINTS)
	rm -rf .venv-spark
	$(MAKE) .venv-spark/.dev SPARK_CONSTRAINTS=/dev/null
	$(SPARK_PIP) freeze --exclude-editable > $(SPARK_CONSTRAINTS)

clean:
	rm -rf .venv-cli examples/node/node_modules
	rm -rf .venv .venv-aio .venv-site .venv-oldest .venv-newest .venv-spark .venv-wheel .venvs
	rm -rf build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
