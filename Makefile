# The environment is one folder, .venv; everything below runs in it. `make help` lists the targets.

PYTHON ?= python3
BIN := .venv/bin
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
SITE := _build/html/index.html
# What `scripts/packs.py` reads.
PACKED := tutorial_lib/srgan/networks.py $(wildcard results/srgan/*/weights.safetensors) \
	$(patsubst %,tutorial_lib/lapstyle/%.py,encoder drafting revision painter) \
	$(wildcard results/lapstyle/*/*.safetensors) $(wildcard results/gan_basics/players/*.safetensors)
# Tests at a time, each with one thread.
WORKERS ?= 2

# Threads that wait without spinning: on a shared machine the tests take a fraction of the time.
export OMP_WAIT_POLICY := passive

.DEFAULT_GOAL := help
.PHONY: help records book test test-library test-notebooks test-site lint execute serve bench fetch \
	workshop offline requirements soak clean

help:  ## say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: .venv/.installed book/_static/packs/.complete  ## build the site from the committed notebooks
	@# A page that had a warning is read again next time, or the warning would be given once only.
	$(BIN)/jupyter-book build . -W --keep-going -q || { rm -rf _build/.doctrees; exit 1; }
	@echo "The book is at file://$(CURDIR)/$(SITE)"

test: book test-library test-notebooks test-site  ## test the library, the notebooks and the site

test-library: .venv/.installed  ## unit tests and the examples in docstrings
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --ignore tests/site

test-notebooks: .venv/.installed  ## run every notebook and compare with what it prints
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --nbval notebooks

test-site: book  ## drive the built site in a browser
	$(BIN)/pytest -n $(WORKERS) --dist worksteal tests/site

lint: .venv/.installed  ## check style, imports and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	$(BIN)/python scripts/typecheck.py
	$(BIN)/python scripts/lint_scripts.py

execute: .venv/.installed  ## run every notebook in place (NOTEBOOKS=notebooks/srgan.ipynb for one)
	$(BIN)/python scripts/execute.py $(NOTEBOOKS)

serve: book  ## show the site on http://localhost:8000
	$(BIN)/python -m http.server --directory _build/html --bind 127.0.0.1 8000

bench: .venv/.installed  ## measure speed
	$(BIN)/pytest -s benchmarks

soak: .venv/.installed  ## kill runs and harm files for about an hour: is anything lost?
	OMP_NUM_THREADS=1 $(BIN)/python scripts/soak.py

records: .venv/.installed  ## make the book's records again and compare them (MINUTES=60 for an hour)
	OMP_NUM_THREADS=1 $(BIN)/python scripts/records.py $(if $(MINUTES),--minutes $(MINUTES))

fetch: .venv/.installed  ## download the photographs that chapters are trained and measured on
	$(BIN)/tutorial fetch

workshop: .venv/.installed  ## notebooks with blanks and with solutions, slides, machine check
	$(BIN)/python scripts/workshop.py

offline: book workshop  ## one archive for a room without a network
	$(BIN)/python scripts/offline.py

requirements:  ## pin the newest versions of everything that pyproject.toml asks for
	$(BIN)/uv pip compile --upgrade --quiet --universal --python-version 3.11 \
		--extra book --extra test pyproject.toml -o requirements.txt

clean:  ## remove the site and the vendored scripts (the environment stays)
	rm -rf _build book/_static/vendor book/_static/packs

.venv/.installed: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --python $(BIN)/python --requirement requirements.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --editable .
	touch $@

book/_static/vendor/.complete: scripts/vendor.py | .venv/.installed
	$(BIN)/python scripts/vendor.py
	touch $@

# Networks that run in the page: packed again when what is packed has changed.
book/_static/packs/.complete: scripts/packs.py book/_static/vendor/.complete $(PACKED)
	OMP_NUM_THREADS=1 $(BIN)/python scripts/packs.py
	touch $@
