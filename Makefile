# One command each: run, test, soak, lint. Needs Python 3.11 or later with venv and pip, and nothing else.
# PYTHON=/path/to/python chooses the interpreter the environment is made from.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run stop test soak lint lock clean runtime development FORCE

PYTHON ?=
CODE := $(wildcard manage.py aidplatform members claims ledger)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --require-hashes

help:
	@echo "make run     set up and start everything; http://localhost:8000 (AID_PORT), Ctrl-C stops it"
	@echo "make test    set up and run every check and test"
	@echo "make soak    the long versions: kills, races, fuzz"
	@echo "make lint    style, types and layers only"
	@echo "make lock    rewrite the lists of exact versions from pyproject.toml"
	@echo "make stop    stop what runs, from another terminal"
	@echo "make clean   remove the environment and caches; the state in .state stays"

run: runtime
	@exec $(BIN)/python -m aidplatform.embedded run

stop:
	@exec $(BIN)/python -m aidplatform.embedded stop

test: lint
	$(BIN)/python -m pytest -n auto

soak: development
	AID_SOAK=1 $(BIN)/python -m pytest -m "soak or crash" -n 0 --timeout 7200

lint: development
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports

lock: development
	@[ -x $(BIN)/uv ] || $(BIN)/python -m pip --disable-pip-version-check install --quiet uv
	$(BIN)/uv pip compile $(LOCK) --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile $(LOCK) --extra dev --constraints requirements.lock \
	  --output-file requirements-dev.lock pyproject.toml

# One list for every system and Python from 3.11 on, with hashes, and without the addresses it was made from.
# Versions stay as they are unless pyproject.toml forbids them; make lock UPGRADE=--upgrade takes the newest.
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links $(UPGRADE)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(CODE) -name __pycache__ -prune -exec rm -rf {} +

# The environment is as the list says when its stamp, a copy of the list, equals the list. The stamp is written
# last; .venv/.busy tells of an installation that was broken off, and then, as when the interpreter was changed
# or removed, the environment is made anew.
runtime: FORCE
	@$(call in_step,requirements.lock) || $(call install,requirements.lock)

development: FORCE
	@$(call in_step,requirements-dev.lock) || $(call install,requirements-dev.lock)

FORCE:

in_step = { [ ! -e .venv/.busy ] && cmp -s $(1) .venv/.$(1) && $(call sound); }

sound = $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null

define install
{ \
  set -e; \
  if [ -e .venv/.busy ] || ! $(call sound); then \
    python=$$($(find_python)); \
    echo "Making .venv with $$python"; \
    rm -rf .venv; \
    "$$python" -m venv .venv; \
  fi; \
  : > .venv/.busy; \
  rm -f .venv/.requirements*.lock; \
  echo "Installing the packages of $(1)"; \
  $(PIP) -r $(1); \
  cp $(1) .venv/.$(1); \
  $(if $(filter requirements-dev.lock,$(1)),cp requirements.lock .venv/.requirements.lock;) \
  rm -f .venv/.busy; \
}
endef

define find_python
found=; old=; bare=; \
for candidate in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python); do \
  version=$$("$$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
  if ! "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then old="$$old $$version"; continue; fi; \
  if ! "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then bare="$$candidate"; continue; fi; \
  found=$$candidate; break; \
done; \
if [ -n "$$found" ]; then echo "$$found"; \
elif [ -n "$$bare" ]; then \
  echo "$$bare has no venv or no ensurepip. On Debian and Ubuntu:  apt-get install python3-venv" >&2; exit 1; \
else \
  echo "Python 3.11 or later is needed and was not found (found:$${old:- none})." \
    "PYTHON=/path/to/python3.11 make ... names one." >&2; exit 1; \
fi
endef
