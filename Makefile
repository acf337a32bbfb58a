# Everything runs in a virtual environment that this file makes itself from nothing but python3.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
GROUP   = $(BIN)/python -c 'import sys, tomllib; print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"][sys.argv[1]]))'

# Known sets are looked for here first, where the folder exists.
ifneq ($(wildcard ../shared/data),)
export FORETASTE_DATA ?= $(abspath ../shared/data)
endif
DEMO_DATA := $(if $(wildcard $(FORETASTE_DATA)/ml-100k.zip),ml-100k,catalogue)

.PHONY: demo test check bench format clean

demo: $(VENV)/.installed  ## Learn from ratings, compare, recommend, explain, draw: on ml-100k where it is at hand.
	$(BIN)/foretaste demo --data $(DEMO_DATA)

test: $(VENV)/.test  ## The whole test suite, with the examples in the docs and docstrings.
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(VENV)/.check  ## Format, lint, types and the import contract.
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.check  ## Put the code into its form.
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(VENV)/.bench $(VENV)/.bench-source  ## Seconds, peak memory and accuracy beside the peers'; REPEATS=1 for a first look.
	$(BIN)/python -m benchmarks $(if $(REPEATS),--repeats $(REPEATS))

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt --editable '.[plot,tune]'
	@touch $@

$(VENV)/.test $(VENV)/.check $(VENV)/.bench: $(VENV)/.%: $(VENV)/.installed
	$(GROUP) $* > $(VENV)/$*.txt
	$(PIP) install --constraint constraints.txt --requirement $(VENV)/$*.txt
	@touch $@

# Built by a C compiler; the rows do without these where that fails.
$(VENV)/.bench-source: $(VENV)/.bench
	$(GROUP) bench-source > $(VENV)/bench-source.txt
	-$(PIP) install --constraint constraints.txt --requirement $(VENV)/bench-source.txt
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build dist
	find src -name '*.nb[ic]' -delete
