# `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test soak lint check format bench bench-pages screenshots clean

help:  ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/installed  ## Start the app and print its address; PORT=8600 chooses the port.
	@$(BIN)/streamlit run app.py $(if $(PORT),--server.port $(PORT)) || { \
		echo "The app did not start. If the port is taken, leave PORT out or choose another: make run PORT=8600"; \
		exit 1; }

test: $(VENV)/installed-dev browser  ## Run the whole test suite, browser tests included.
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder  # browsers wait half of the time

soak: $(VENV)/installed-dev  ## Kill trainings and open damaged runs, far more than the tests do.
	$(BIN)/python -m tests.support.interruptions
	SOAK=1 $(BIN)/python -m pytest tests/vae/runs/test_fuzzing.py tests/vae/training/test_distributed.py

lint: $(VENV)/installed-dev  ## Check format, style and types.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test  ## Everything a commit must pass.

format: $(VENV)/installed-dev  ## Format the code and fix what can be fixed automatically.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/installed-dev  ## Measure speed and quality of training beside their targets; ten minutes.
	$(BIN)/python -m benchmarks

bench-pages: $(VENV)/installed-dev  ## Measure how fast the pages answer.
	$(BIN)/python -m benchmarks.pages

screenshots: $(VENV)/installed-dev browser  ## Take the README's pictures from the running app.
	$(BIN)/python -m docs.screenshots

clean:  ## Remove the environment; runs and data stay.
	rm -rf $(VENV)

# A stamp newer than the requirements means that they are installed.
$(VENV)/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed: make run PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	@touch $@

# Without a Chromium the browser tests are skipped and say why; with CI=true they fail.
.PHONY: browser
browser: $(VENV)/installed-dev
	@$(BIN)/python -m tests.support.browser
	@$(BIN)/python -m tests.support.proxy
	@$(BIN)/python -m tests.support.other_browsers
