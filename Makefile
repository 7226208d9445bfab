# Two commands do everything on a machine with Python (3.11 or newer), venv and make:
#   make run            environment with what the product needs, then rotation-tui; ARGS="demo" passes arguments
#   make test           the tools and referees too, then every test
#   make test-deep      the property tests with 1,000 examples each
#   make test-sessions  whole pretended sessions against an oracle, SEEDS=1..100
# Also: make check (format, lint, types, import contracts), make fix, make bench, make lock,
# make test-days (the tests that lean on the calendar, on days of other kinds) and make test-busy (every test
# beside two busy loops), make test-313 (the host's tests on Python 3.13), make monkey (20,000 random keys at the desk), make test-hub (hubs on real servers, killed and cut off).
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.installed
TOOLS  := $(VENV)/.installed-dev
ARGS   ?=

.PHONY: run test test-deep test-sessions test-days test-busy test-313 test-hub monkey soak soak-screen check fix bench lock schema clean

run: $(READY)
	@$(BIN)/rotation-tui $(ARGS)

test: $(TOOLS)
	$(BIN)/python -m pytest $(ARGS)

# A holiday, a half-day, a Sunday, a decision day at 14:30, 1 January, both days on which the clocks change, and
# 00:30 in New York.
DAYS ?= 2026-11-26T12:00:00-05:00 2026-11-27T12:30:00-05:00 2026-11-29T15:00:00-05:00 2026-12-09T14:30:00-05:00 \
  2027-01-01T09:00:00-05:00 2026-11-01T12:00:00-05:00 2027-03-14T12:00:00-04:00 2026-11-25T00:30:00-05:00
# Nothing under rotation/ reads a clock, which tests/test_wall_clock.py holds.
CALENDAR = tests/tui/cli tests/tui/hub tests/feeds/desk tests/feeds/fed tests/feeds/macro tests/feeds/doctor tests/feeds/history \
  tests/feeds/alerts tests/tui/screen/test_live_desk.py tests/test_wall_clock.py

test-days: $(TOOLS)
	@for day in $(DAYS); do \
	  echo "it is $$day"; \
	  ROTATION_TUI_NOW=$$day $(BIN)/python -m pytest $(or $(ARGS),$(CALENDAR)) || exit 1; \
	done

test-busy: $(TOOLS)
	@$(BIN)/python -m bench.busy $(BIN)/python -m pytest $(ARGS)

# asyncio differs between releases where the host leans on it; the environment is one of its own.
PYTHON313 ?= python3.13
test-313:
	@$(MAKE) --no-print-directory test PYTHON=$(PYTHON313) VENV=$(VENV)/py3.13 ARGS="$(or $(ARGS),tests/tui/ssh)"

# Properties with 1,000 examples, each run another thousand; tests/rotation and tests/feeds hold nearly all.
test-deep: $(TOOLS)
	HYPOTHESIS_EXAMPLES=1000 CI= $(BIN)/python -m pytest --timeout 3600 $(or $(ARGS),tests/rotation tests/feeds)

# Each seed is a session from 03:55 to 16:30 with faults, over real sockets; a failure prints its seed and its log.
SEEDS ?= 1..100
test-sessions: $(TOOLS)
	$(BIN)/python -m tests.support.session.run $(SEEDS)

# 20,000 random keys with resizes, prices and a changing configuration; CI takes 500. KEYS=… SEED=… choose others.
KEYS ?= 20000
SEED ?= 13
monkey: $(TOOLS)
	ROTATION_TUI_MONKEY_KEYS=$(KEYS) ROTATION_TUI_MONKEY_SEED=$(SEED) \
	  $(BIN)/python -m pytest --timeout 7200 -m monkey tests/tui/screen/test_monkey.py $(ARGS)

# Clusters, kills in random order, pauses, cuts, a full disk: minutes with real NATS servers. SEED=… chooses the order.
test-hub: $(TOOLS)
	ROTATION_TUI_HUB_SEED=$(SEED) $(BIN)/python -m pytest -m hub tests/feeds/hub $(ARGS)

# An hour of 2,100 symbols at 20,000 quotes a second through a stream and a market, as fast as it goes: memory, and
# every last price, high, low and volume. ARGS="600 20000" takes ten minutes of it.
soak: $(TOOLS)
	$(BIN)/python -m bench.ingest.soak $(ARGS)

# The same over a socket with the desk on screen and keys pressed, four seconds of the session in one: 15 minutes.
# ARGS="300 20000 1" takes five minutes as they are.
soak-screen: $(TOOLS)
	$(BIN)/python -m bench.ingest.on_screen $(ARGS)

check: $(TOOLS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(TOOLS)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(TOOLS)
	$(BIN)/python -m bench $(ARGS)

schema: $(READY)
	$(BIN)/python -m tui.output.schema > docs/snapshot.schema.json

# Everything is pinned with hashes; the project itself is installed in place, without its dependencies. The
# tools' file holds the product's pins too.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rotation-tui needs Python 3.11 or newer; try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $<
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endef

$(READY): requirements.lock pyproject.toml
	$(install)
	@touch $(READY)

$(TOOLS): requirements-dev.lock pyproject.toml
	$(install)
	@touch $(READY) $(TOOLS)

# Needs uv; --no-emit-index-url keeps registry addresses out of the files. What is pinned stays unless it is
# removed from them, or UPGRADE=--upgrade is given.
LOCK = uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-header --annotation-style line $(UPGRADE)
lock:
	$(LOCK) --extra ssh --extra nats --extra png --group build -o requirements.lock
	$(LOCK) --extra ssh --extra nats --extra png --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .hypothesis
