# Two commands do everything on a machine with Python (3.11 or newer), venv and make:
#   make run            environment, install, then rotation-tui; ARGS="demo" passes arguments
#   make test           environment, then every test
#   make test-deep      the property tests with 1,000 examples each
# Also: make check (format, lint, types, import contracts), make bench, make lock, make fix.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
ARGS   ?=

.PHONY: run test test-deep check fix bench lock schema clean

run: $(STAMP)
	@$(BIN)/rotation-tui $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

# Properties with 1,000 examples, each run another thousand; tests/rotation and tests/feeds hold nearly all.
test-deep: $(STAMP)
	HYPOTHESIS_EXAMPLES=1000 CI= $(BIN)/python -m pytest --timeout 3600 $(or $(ARGS),tests/rotation tests/feeds)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)
	$(BIN)/python -m bench $(ARGS)

schema: $(STAMP)
	$(BIN)/python -m tui.output.schema > docs/snapshot.schema.json

# Everything is pinned with hashes; the project itself is installed in place, without its dependencies.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rotation-tui needs Python 3.11 or newer; try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# Needs uv; --no-emit-index-url keeps registry addresses out of the file.
lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --annotation-style line -o requirements.lock

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .hypothesis
