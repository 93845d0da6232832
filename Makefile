# make demo   set everything up and plan the steel works' day
# make test   set everything up, check style and types, run all tests
# make lint   style and types alone
# make bench  measure the engine beside its peers and write docs/benchmarks.md (an hour or more; SHORT=1: minutes)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 2

.PHONY: demo test lint bench clean

demo: $(READY)
	$(BIN)/microgrid run scenarios/steel_works/day.yaml --out runs/demo

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m benchmarks $(if $(SHORT),--short)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) .bench runs .mypy_cache .ruff_cache .pytest_cache .hypothesis
