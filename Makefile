# What a person types. `make help` lists it all.
PYTHON ?= python3
VENV ?= .venv
TORCH ?= 2.13.0
PROFILE ?= default
PORT ?= 8000

PY := $(VENV)/bin/python
BUILD := $(PY) -m book.build
INSTALLED := $(VENV)/.installed
LOCK := build/lock

.DEFAULT_GOAL := help
.PHONY: help setup book test lint types unit notebooks colab execute gpu bench times serve screenshots lock links oldest newest clean

help:  ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 22

setup: $(INSTALLED)  ## Make .venv with the versions of constraints.txt

# One environment for making and for checking the book: what is published is what was tested.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "mmfuse needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	       "Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): some minutes, once"
	$(PY) -m pip install --quiet -c constraints.txt -e '.[book,test]'
	@touch $@

book: execute  ## Execute the chapters that changed, build the pages, say where they are
	$(BUILD) html --profile $(PROFILE)

execute: $(INSTALLED)  ## Execute the chapters that changed (PROFILE=smoke for a quick look)
	$(BUILD) execute --profile $(PROFILE)

test: lint types notebooks unit  ## Check everything: style, types, notebooks, unit tests

lint: $(INSTALLED)  ## Check style and format
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(INSTALLED)  ## Check types
	$(VENV)/bin/mypy

notebooks: execute  ## Execute, run again and compare outputs, check the notebooks for Colab
	$(BUILD) validate --profile $(PROFILE)
	$(BUILD) colab --check

unit: $(INSTALLED)  ## Run the unit tests
	$(PY) -m pytest -n 2

colab: $(INSTALLED)  ## Write the notebooks that Colab opens, bring README and addresses in line
	$(BUILD) colab

gpu: $(INSTALLED)  ## Tests, benchmarks and the GPU lab on a CUDA GPU; writes reproduce/gpu
	$(BUILD) gpu

bench: $(INSTALLED)  ## Compare speed with named baselines
	$(PY) -m benchmarks

times: $(INSTALLED)  ## Print how long each chapter took
	$(BUILD) times --profile $(PROFILE)

serve: $(INSTALLED)  ## Serve the built pages at http://localhost:8000 (PORT=...)
	$(PY) -m http.server $(PORT) --directory build/html

screenshots: $(INSTALLED)  ## Picture every built page: desktop, phone, dark (needs Chromium)
	$(PY) -m tests.book.browser build/html build/screenshots

lock:  ## Write constraints.txt anew, with the newest versions that pyproject.toml allows
	rm -rf $(LOCK) && $(PYTHON) -m venv $(LOCK)
	$(LOCK)/bin/python -m pip install --quiet torch==$(TORCH) '.[book,test]'
	$(LOCK)/bin/python -m pip check
	{ echo "# The versions the published book is made and tested with. Written by \`make lock\`:"; \
	  echo "# a new environment, pip install torch==$(TORCH) '.[book,test]', pip freeze."; \
	  $(LOCK)/bin/python -m pip freeze --exclude mmfuse --exclude setuptools --exclude wheel \
	    | sed 's/+cpu$$//'; } > constraints.txt

links: $(INSTALLED)  ## Check the links of the built pages to other sites (needs a network)
	$(PY) -m tests.book.links build/html

oldest:  ## Make .venv with the oldest versions pyproject.toml allows
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet uv
	$(VENV)/bin/uv pip install --quiet --python $(PY) --resolution lowest-direct -e '.[book,test]'
	@touch $(INSTALLED)

newest:  ## Make .venv with the newest versions pyproject.toml allows
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade -e '.[book,test]'
	@touch $(INSTALLED)

clean:  ## Remove everything that was built (the environment stays)
	rm -rf build
