# Two commands: `make math` (the readiness of the suite math) and `make test` (everything that guards this project).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Re-made only when what they are made from changes: a second run installs nothing.
INSTALLED := $(VENV)/.installed
# The CPU build of PyTorch, as pytorch.org documents it: a suite's training steps need no GPU, and it is far smaller.
PYTORCH_CPU := https://download.pytorch.org/whl/cpu
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: math test lint types clean

math: $(INSTALLED)
	$(BIN)/python -m pytest --rk-suite=math

test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2

lint: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(INSTALLED)
	$(BIN)/mypy

# An environment that exists is kept, with the torch that is in it (README, "PyTorch").
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with 'make $(MAKECMDGOALS) PYTHON=python3.12'"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --no-deps --retries 0 --extra-index-url $(PYTORCH_CPU) torch
	$(INSTALL) --editable '.[dev,all]'
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
