# `make demo` shows a call, `make test` checks the package; both install what they need into .venv the first time.
# `make help` lists the rest.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# A key in the shell must never dial: whatever begins with $(SANDBOXED) sees no REVOX_* variable.
SANDBOXED := env $$(env | sed -n 's/^\(REVOX_[A-Za-z0-9_]*\)=.*/-u \1/p')
# Compiled tests and sources are kept, also where the environment says not to: without them a run takes a third longer.
PYTEST := $(SANDBOXED) -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n 2 --dist loadgroup

.PHONY: help demo test test-all bench soak lint types docs docs-site check sdk-suite notebooks studio install clean

help: ## List these commands.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.demo ## A French call in the sandbox, live. Needs no key.
	@$(SANDBOXED) $(BIN)/revox-langchain demo

test: $(VENV)/.dev ## Run the tests, without those that take long.
	@echo "Two cores that do nothing else run these in about two minutes."
	$(PYTEST) -m 'not slow'

test-all: $(VENV)/.dev ## Run all tests, and measure what they cover.
	@echo "Two cores that do nothing else run these in about a quarter of an hour."
	$(PYTEST) --cov

bench: $(VENV)/.bench ## Run the benchmarks, an hour of them, and write benchmarks/RESULTS.md.
	$(SANDBOXED) $(BIN)/python -m benchmarks.collect

soak: $(VENV)/.dev ## Kill a service and workers with 1,000 calls each, then run the tests ten times on a busy machine, hours of it; with GGUF=FILE also a model's benchmark.
	@command -v stress-ng >/dev/null || { \
	  echo "stress-ng is missing. On Debian and Ubuntu: sudo apt-get install stress-ng"; exit 1; }
	$(SANDBOXED) $(BIN)/python -m tests.service.crash --calls 1000
	$(SANDBOXED) $(BIN)/python -m tests.service.crash --calls 1000 --postgres
	@stress-ng --cpu 4 --quiet & stress=$$!; trap 'kill $$stress' EXIT INT TERM; \
	for run in 1 2 3 4 5 6 7 8 9 10; do echo "Run $$run of 10"; $(PYTEST) -m 'not slow' || exit 1; done
	@if [ -n "$(GGUF)" ]; then $(SANDBOXED) $(BIN)/python -m benchmarks.agent --gguf "$(GGUF)"; \
	else echo "No model was measured: give a file with GGUF=FILE."; fi

lint: $(VENV)/.dev ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## Check types.
	$(BIN)/mypy

docs: $(VENV)/.dev ## Regenerate the tables in docs, the pages of error codes, the picture of the graph, and the snapshots of tools and public names.
	$(SANDBOXED) $(BIN)/python -m scripts.generate_doc_tables
	$(SANDBOXED) $(BIN)/python -m scripts.generate_error_pages
	$(SANDBOXED) $(BIN)/python -m scripts.generate_snapshots
	$(SANDBOXED) $(BIN)/python -m scripts.draw_graph

docs-site: $(VENV)/.dev ## Build the site of docs/ into build/site.
	$(SANDBOXED) $(BIN)/python -m scripts.build_site

check: ## Run everything that CI runs.
	bash .ci/run

sdk-suite: $(VENV)/.dev ## Run the official SDK's own tests against the sandbox; downloads them.
	$(SANDBOXED) $(BIN)/python -m scripts.sdk_suite

notebooks: $(VENV)/.dev ## Run the notebooks anew and keep their outputs.
	$(SANDBOXED) $(BIN)/python -m scripts.run_notebooks

studio: $(VENV)/.dev ## Open the graphs in LangGraph Studio; with REVOX_API_KEY set, calls are real.
	@cat scripts/studio.txt
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
	@sh scripts/install.sh $(BIN)/python cli
	@touch $@

$(VENV)/.bench: pyproject.toml | $(VENV)/.dev
	@sh scripts/install.sh $(BIN)/python bench
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@sh scripts/install.sh $(BIN)/python dev
	@touch $@ $(VENV)/.demo
