# `make demo` and `make test` each do everything on a fresh clone.
# PYTHON: the interpreter to build on; if it has torch and mmcv, these are used.
PYTHON ?= python3
BIN := .venv/bin
# Two test processes with one thread each beat one process with two threads.
JOBS ?= 2
export OMP_NUM_THREADS ?= 1

.PHONY: setup test sanitize lint format demo docs clean

setup:
	@$(PYTHON) tools/setup/bootstrap.py

test: lint
	$(BIN)/python -m pytest -q -n $(JOBS)

# The C++ of the operators under AddressSanitizer and UBSan; needs only a compiler.
sanitize:
	tests/test_ops/sanitize/run.sh

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: export OMP_NUM_THREADS = $(shell nproc)
demo: setup
	$(BIN)/python demo/make_demo.py

# The documents as HTML, in build/docs/html; a warning is an error.
docs: setup
	$(BIN)/python -m pip install --quiet --no-deps -r requirements/docs.txt
	$(BIN)/python -m sphinx --fail-on-warning --keep-going docs/en build/docs/html

# Everything that set-up and tests made; never data or work_dirs.
clean:
	rm -rf .venv .setup build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
