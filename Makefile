# Millrace. `make help` lists what there is; everything lives in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
COMPILE := $(BIN)/uv pip compile --no-config --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header
ARGS ?=
SEEDS ?= 1000
EXAMPLES ?= 3000
START ?= 0
MINUTES ?= 10
SEED ?= 1
N ?= 1000

# Stamps: a target is done again only when what it was made from has changed.
VENV_STAMP := $(VENV)/.made
RUN_STAMP := $(VENV)/.runtime
DEV_STAMP := $(VENV)/.development

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test fuzz simulate state-machine mutants crash pictures ffmpegs soak reconnects check format bench bench-flow bench-latency bench-memory bench-images bench-films bench-gpu up down requirements clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(DEV_STAMP) ## Everything for working on Millrace, into .venv

demo: $(RUN_STAMP) ## The main job on examples/, in one process
	@$(BIN)/millrace demo $(ARGS)

test: $(DEV_STAMP) ## All tests (ARGS="-k name" for some)
	@$(BIN)/python -m tests.ffmpegs --fetch
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

fuzz: $(DEV_STAMP) ## Messages from the schemas, bent and broken, to all four queues: EXAMPLES=n
	@FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/unit/shared/test_fuzz.py -s --timeout 0

simulate: $(DEV_STAMP) ## The four stages under faults from seeds: SEEDS=n START=first
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) --start $(START)

state-machine: $(DEV_STAMP) ## The workspace against a plain model (ARGS="--examples 2000 --steps 100")
	@$(BIN)/python -m tests.state_machine $(ARGS)

mutants: $(DEV_STAMP) ## Plant bugs, one at a time, and see that the tests catch each (ARGS="--only words")
	@$(BIN)/python -m tests.mutants $(ARGS)

crash: $(DEV_STAMP) ## Kill a service at every operation of every stage (minutes; a short form is in make test)
	@$(BIN)/python -m pytest tests/crash -m slow -s $(ARGS)

soak: $(DEV_STAMP) ## Everything at once under faults from a seed: MINUTES=n SEED=n (a short form is in make test)
	@$(BIN)/python -m tests.soak --minutes $(MINUTES) --seed $(SEED) $(ARGS)

pictures: $(DEV_STAMP) ## Every file of the corpus through the preset web, on each engine (minutes; a short form is in make test)
	@$(BIN)/python -m pytest tests/unit/services/process/image -m slow $(ARGS)

ffmpegs: $(DEV_STAMP) ## The tests of films with ffmpeg 5.1 to 8.0, which pip fetches (ARGS="--only 5.1"; a short form is in make test)
	@$(BIN)/python -m tests.ffmpegs $(ARGS)

reconnects: $(DEV_STAMP) ## Break a service's connections N times; it comes back each time
	@$(BIN)/python -m tests.faults.reconnects --times $(N) --seed $(SEED)

check: $(DEV_STAMP) ## Format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(DEV_STAMP) ## Write the format and the fixes that ruff is sure of
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: bench-flow bench-latency bench-memory bench-images bench-films ## All benchmarks

bench-flow: $(DEV_STAMP) ## Jobs per second, beside Celery and bare aio-pika
	@$(BIN)/python -m bench.flow $(ARGS)

bench-latency: $(DEV_STAMP) ## How soon services are ready, and how long one small photo takes
	@$(BIN)/python -m bench.latency $(ARGS)

bench-memory: $(DEV_STAMP) ## A 2 GiB file through download and upload
	@$(BIN)/python -m bench.memory $(ARGS)

bench-images: $(DEV_STAMP) ## Photos per second, beside sharp, Pillow and the codecs alone
	@$(BIN)/python -m bench.images $(ARGS)

bench-films: $(DEV_STAMP) ## Films beside ffmpeg by hand (about five minutes)
	@$(BIN)/python -m bench.films $(ARGS)

bench-gpu: $(DEV_STAMP) ## Photos per second with an NVIDIA GPU, beside all cores (needs one: docs/operations.md)
	@$(BIN)/python -m bench.gpu $(ARGS)

up: ## RabbitMQ, S3 and the four services in containers
	docker compose up --build $(ARGS)

down: ## Stop the containers; their volumes stay
	docker compose down $(ARGS)

requirements: $(DEV_STAMP) ## Pin the dependencies anew (ARGS=--upgrade for the latest)
	$(COMPILE) --group build $(ARGS) pyproject.toml -o requirements.txt
	$(COMPILE) --group build --group dev --extra heif --extra jxl -c requirements.txt $(ARGS) pyproject.toml -o requirements-dev.txt
	$(COMPILE) --group build --extra gpu --extra heif -c requirements.txt $(ARGS) pyproject.toml -o requirements-gpu.txt
	@! grep -nE '://|^-' requirements*.txt \
		|| { echo 'A registry address got into the requirements.' >&2; exit 1; }

clean: ## Remove .venv and every cache
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Millrace needs Python 3.11 or newer, and "$(PYTHON)" is not:' \
			"$$($(PYTHON) --version 2>&1). Say make PYTHON=python3.12 (or newer)." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'This Python cannot make virtual environments. On Debian and Ubuntu:' \
			'apt-get install python3-venv' >&2; exit 1; }
	@echo 'Making $(VENV)'
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(RUN_STAMP): $(VENV_STAMP) requirements.txt pyproject.toml
	@echo 'Installing what Millrace needs to run'
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --config-settings editable_mode=compat -e .
	@touch $@

$(DEV_STAMP): $(RUN_STAMP) requirements-dev.txt
	@echo 'Installing what the tests and checks need'
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@
