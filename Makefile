# radiogen: `make demo` and `make test` are all that a fresh machine needs.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DEMO := build/demo
# one thread per process: the work is spread over processes instead
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1

.PHONY: help setup demo test slow lint docs errors clean

help:
	@echo "make demo   set up, simulate the demo cohort, write its report and say where it is"
	@echo "make test   set up and run the tests"
	@echo "make slow   the long simulations"
	@echo "make lint   ruff and mypy"
	@echo "make docs   build the documentation"
	@echo "make clean  remove what was built"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python found: install Python 3.11, or give PYTHON=/path/to/python3.11"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info < (3, 14)))' || \
	  { echo "$(PYTHON) is $$($(PYTHON) --version): radiogen needs Python 3.11 to 3.13. Give PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing: on Debian, apt-get install python3-venv"; exit 2; }

$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet -c constraints.txt pip setuptools wheel numpy
	$(PIP) install --quiet -c constraints.txt -e .
	@touch $@

# the second radiomics engine and the yardstick of the first; it has no wheels for Python 3.10 and later, and compiles a small C extension
$(VENV)/.pyradiomics: $(VENV)/.core
	@if $(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then \
	  $(PIP) install --quiet -c constraints.txt --no-build-isolation pyradiomics==3.0.1 || \
	  { echo "pyradiomics did not build: it needs a C compiler and Python's headers (Debian: apt-get install gcc python3-dev)"; exit 2; }; \
	else echo "pyradiomics 3.0.1 does not build on Python 3.12 and later: the tests against it are skipped"; fi
	@touch $@

$(VENV)/.test: $(VENV)/.pyradiomics
	$(PIP) install --quiet -c constraints.txt -e '.[test,mudata]'
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	$(PIP) install --quiet -c constraints.txt -e '.[lint]'
	@touch $@

$(VENV)/.docs: $(VENV)/.test
	$(PIP) install --quiet -c constraints.txt -e '.[docs]'
	@touch $@

setup: $(VENV)/.core
	@$(BIN)/radiogen doctor

demo: $(VENV)/.core
	@mkdir -p $(DEMO)
	$(BIN)/radiogen simulate cohorts/demo --n 160 --seed 13
	$(BIN)/radiogen report cohorts/demo/cohort.yaml -o $(DEMO)/report.html --jobs 2
	@echo "The report: $(CURDIR)/$(DEMO)/report.html"

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadfile

slow: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(VENV)/.docs
	$(BIN)/python docs/make_errors.py
	$(BIN)/python docs/make_features.py
	$(BIN)/python docs/make_pictures.py
	$(BIN)/python docs/make_network_keys.py
	$(BIN)/python docs/run_page.py docs/getting-started.md
	$(BIN)/python docs/run_page.py --together docs/images.md docs/bmode.md docs/swe.md docs/doppler.md docs/ceus.md docs/segmentation.md docs/quality.md docs/stability.md docs/harmonization.md docs/scale.md
	$(BIN)/python docs/run_page.py docs/selection.md
	$(BIN)/python docs/run_page.py docs/radiomics.md
	for page in fusion bundles fusion-nets backbones attribution graphs paired-visits weak-labels deepsurv survival-models; do $(BIN)/python docs/run_page.py docs/$$page.md || exit 1; done
	for page in decisions survival competing nomogram agreement planning; do $(BIN)/python docs/run_page.py --together docs/stats-$$page.md || exit 1; done
	$(BIN)/python -m sphinx -b html -W --keep-going -q docs docs/_build/html
	@echo "The documentation: $(CURDIR)/docs/_build/html/index.html"

clean:
	rm -rf $(VENV) build docs/_build docs/generated cohorts/demo/data cohorts/demo/truth cohorts/demo/truth.json
