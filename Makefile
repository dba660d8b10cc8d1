# Needs make and python3 (3.11 or newer); everything else goes into .venv.
#   make demo    make test    make lint    make front    make pictures    make bench    make bench-full
#   make oracle    make sweep    make clean
# ARGS is handed on: make test ARGS="tests/unit -k layers"

export PYTHON ?= python3
export VENV := .venv
ARGS ?=
# Test processes; make test WORKERS=0 ARGS=--pdb runs the tests in one.
WORKERS ?= 2

.PHONY: help demo test oracle sweep lint format front pictures bench bench-full clean
.DEFAULT_GOAL := help

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 18

demo: ## kill a notebook in the middle of training, run it again, see what was kept
	@tests/environment.sh examples
	@$(VENV)/bin/python example_notebooks/demo.py $(ARGS)

test: ## the whole test suite
	@tests/environment.sh test
	$(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

oracle: ## generated notebooks, edited and killed, against clean runs: ARGS="--notebooks 2000"
	@tests/environment.sh test
	$(VENV)/bin/python tests/oracle $(ARGS)

sweep: ## kills, full disks and damaged files at every durable point: ARGS="--seeds 50"
	@tests/environment.sh test
	$(VENV)/bin/python tests/fault/sweep $(ARGS)

lint: ## ruff and mypy
	@tests/environment.sh dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: ## put the code into shape
	@tests/environment.sh dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

front: ## check, test and build the panel's front end; what is built is committed
	@tests/environment.sh front
	cd extension && export PATH="$(abspath $(VENV))/bin:$$PATH" && \
		node modules.mjs && npm run check && npm test && npm run build

pictures: ## make the pictures of the README anew, in a browser
	@tests/environment.sh test
	DURABLE_NB_PICTURES=1 $(VENV)/bin/python -m pytest tests/browser/test_example.py

bench: ## measure against peers, small and quick
	@tests/environment.sh bench
	$(VENV)/bin/python tests/bench $(ARGS)

bench-full: ## measure against peers, in full size
	@tests/environment.sh bench
	$(VENV)/bin/python tests/bench --full $(ARGS)

clean: ## remove what the commands above made
	rm -rf $(VENV) demo bench-results build dist extension/labextension extension/lib extension/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
