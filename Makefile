# `make demo` shows a call, `make test` checks the package; both install what they need into .venv the first time.
# `make help` lists the rest.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# A key in the shell must never dial: whatever begins with $(SANDBOXED) sees no REVOX_* variable.
SANDBOXED := env $$(env | sed -n 's/^\(REVOX_[A-Za-z0-9_]*\)=.*/-u \1/p')
PYTEST := $(SANDBOXED) $(BIN)/python -m pytest -n 2

.PHONY: help demo test test-all lint types docs check notebooks studio install clean

help: ## List these commands.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.demo ## A French call in the sandbox, live. Needs no key.
	@$(SANDBOXED) $(BIN)/revox-langchain demo

test: $(VENV)/.dev ## Run the tests, without those that take long.
	$(PYTEST) -m 'not slow'

test-all: $(VENV)/.dev ## Run all tests, and measure what they cover.
	$(PYTEST) --cov

lint: $(VENV)/.dev ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## Check types.
	$(BIN)/mypy

docs: $(VENV)/.dev ## Regenerate the tables in README.md, and the snapshots of tools and public names.
	$(SANDBOXED) $(BIN)/python -m scripts.generate_readme_tables
	$(SANDBOXED) $(BIN)/python -m scripts.generate_snapshots

check: ## Run everything that CI runs.
	bash .ci/run

notebooks: $(VENV)/.dev ## Run the notebooks anew and keep their outputs.
	$(SANDBOXED) $(BIN)/python -m scripts.run_notebooks

studio: $(VENV)/.dev ## Open the graph in LangGraph Studio; with REVOX_API_KEY set, calls are real.
	LANGGRAPH_CLI_NO_ANALYTICS=1 LANGGRAPH_NO_VERSION_CHECK=true PYTHONUNBUFFERED=1 \
	$(BIN)/langgraph dev --n-jobs-per-worker 50

install: $(VENV)/.dev ## Install everything for working on the package.

clean: ## Remove .venv and what the tools left behind.
	rm -rf $(VENV) .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .langgraph_api build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed. If you have one under another name: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) (only the first time) ..."
	@$(PIP) install -qq --editable '.[cli]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) (only the first time) ..."
	@$(PIP) install -qq --editable '.[dev]'
	@touch $@ $(VENV)/.demo
