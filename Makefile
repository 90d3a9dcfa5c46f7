# Everything runs in .venv, which the first target that needs it makes; PYTHON names the interpreter to make it with.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
export DVC_NO_ANALYTICS = 1
export MLFLOW_DISABLE_TELEMETRY = true
export GX_ANALYTICS_ENABLED = false
export DO_NOT_TRACK = 1
export HF_HUB_OFFLINE = 1
# pip compiles nothing (a minute saved), so what the first command compiles of its imports has to be kept for the next.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(BIN):$(PATH)

PROFILE ?= default

.PHONY: help repro study test lint bench real ui clean
help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

# torch first and pinned: unpinned, pip would take several GB of CUDA builds.
$(BIN)/.ready: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@date +%s > $(VENV)/.begun
	$(PIP) torch torchvision
	$(PIP) -e '.[dev]'
	@echo $$(( $$(date +%s) - $$(cat $(VENV)/.begun) )) > $@

repro: $(BIN)/.ready  ## run the whole study, restore the registry, print where the time went
	@BIOLOC_SETUP_SECONDS=$$(find $(BIN)/.ready -mmin -2 -exec cat {} \;) $(BIN)/python -m bioloc.stages.repro

study: $(BIN)/.ready  ## the grid of ablations and curves, hours; PROFILE=paper is for a GPU
	@$(BIN)/bioloc-cli study run --profile $(PROFILE)

test: $(BIN)/.ready  ## the test suite
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup

lint: $(BIN)/.ready  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(BIN)/.ready  ## ratios measured side by side
	$(PIP) -e '.[dev,bench]'
	$(BIN)/python benchmarks/run.py

real: $(BIN)/.ready  ## maps on the real scans, when they are at hand
	$(BIN)/python benchmarks/real_ct.py
	$(BIN)/bioloc-cli report

ui: $(BIN)/.ready  ## the MLflow interface on this machine
	$(BIN)/mlflow ui

clean:  ## what the study made, but not the environment
	rm -rf data/raw data/cohorts data/candidates data/masks models .bioloc
