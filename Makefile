# `make demo` and `make test` need Python 3.11+ and nothing else; everything they make is in .venv and .ildb.
PYTHON ?= python3
VENV ?= .venv
# A file's tests go to one worker: several files make a database or a run once for all of theirs.
PYTEST_ARGS ?= -n auto --dist loadfile
export ILDB_HOME ?= $(CURDIR)/.ildb
BIN := $(VENV)/bin
ILDB := $(BIN)/ildb

.PHONY: setup demo check test test-all bench clean help

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.installed ## Make .venv with ildb and its dependencies
	@test -n "$$ILDB_DATABASE_URL" || $(ILDB) db up --json > /dev/null

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "error: this Python cannot make virtual environments. Debian and Ubuntu keep that apart: apt-get install python3-venv" >&2; \
	  exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup ## Ingest real data, run the quickstart pipeline, show what came out
	$(ILDB) db upgrade
	$(ILDB) ingest ilthermo
	$(ILDB) pipeline run pipelines/quickstart.toml
	@mkdir -p out
	@echo; echo "== The most promising pairings nobody has reported here =="
	$(ILDB) search candidates --top 10
	@echo; echo "== Pairings of an imidazolium with a nitrile in the anion =="
	$(ILDB) search substructure 'c1[nH0]cc[nH0]1' --ion cation --and 'C#N' --ion anion --limit 8
	@echo; echo "== Export for analysis =="
	$(ILDB) export duckdb out/ildb.duckdb --force
	@echo; echo "== A page to look at =="
	$(ILDB) report build --out out/report --force
	@echo; $(ILDB) stats

check: $(VENV)/.installed ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: setup check ## Style, types and tests
	$(BIN)/pytest $(PYTEST_ARGS)

test-all: setup check ## The same with the slow tests
	$(BIN)/pytest $(PYTEST_ARGS) -m 'slow or not slow'

bench: setup ## Every benchmark in its quick form
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script --quick || exit 1; done

clean: ## Stop the server and remove .venv, .ildb and out
	-@$(ILDB) db down
	rm -rf $(VENV) .ildb out
