PYTHON ?= python3
VENV := .venv/bin
# The many processes of a run import the same two thousand modules: compiled once, whatever the caller's environment says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-trainers loop check bench environment loop-environment

help: ## Show this.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Install what is missing, start everything, print the address.
	@$(PYTHON) annotate/local/bootstrap.py
	@exec $(VENV)/python -m annotate.local.supervisor

test: environment ## Run the whole test suite, the browser included.
	@$(VENV)/python tests/chromium.py
	@$(VENV)/python -m pytest -n auto --dist worksteal $(ARGS)

test-fast: environment ## Run the tests of functions and services: no browser, no worker, under a minute.
	@HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-fast} $(VENV)/python -m pytest -n auto --dist worksteal -m fast $(ARGS)

test-trainers: environment ## Run real trainers on our exports, in environments of their own; TRAINER=trl-prm for one.
	@$(VENV)/python -m pytest -n 0 -p no:cacheprovider -o python_files='check_*.py' tests/trainers/$(if $(TRAINER),check_$(subst -,_,$(TRAINER)).py) $(ARGS)

loop: loop-environment ## Train reward models on labels made here and see whether they choose better; FOLDER=for-its-files.
	@.venv-loop/bin/python -m reasoner.loop --folder $(if $(FOLDER),$(FOLDER),.annotate-loop) $(ARGS)

check: environment ## Lint, types, architecture, migrations, templates.
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy annotate apps client/src
	$(VENV)/lint-imports
	$(VENV)/python manage.py makemigrations --check --dry-run
	$(VENV)/djade --check --target-version 5.2 $$(git ls-files 'templates/*.html')

bench: environment ## Print the project's own figures: `name value unit`.
	@for bench in tests/benchmarks/bench_*.py; do $(VENV)/python -m tests.benchmarks.$$(basename $$bench .py) || exit 1; done

environment:
	@$(PYTHON) annotate/local/bootstrap.py --dev

# Torch and all that the product needs, as the lock file says.
loop-environment:
	@$(PYTHON) annotate/local/bootstrap.py --loop
