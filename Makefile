# The commands that stay. Everything they make lives in .venv and .run (root: also /var/lib/retour-…).
SHELL := /bin/bash
PORT ?= 8000
PY := .venv/bin/python
# Everyday tests, then the same promises at full size. Two cores.
PYTEST := $(PY) -m pytest -n 2 --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help run test soak lint reset-demo clean ready-to-run ready-to-test

help:
	@echo "make run [PORT=8000]   the demo at http://127.0.0.1:PORT; Ctrl-C stops everything"
	@echo "make test              everything that proves the promises, browser tests included"
	@echo "make soak              the same at full size; other PostgreSQL and Python versions"
	@echo "make lint              style, types, migrations, deployment checks"
	@echo "make reset-demo        forget all demo data"
	@echo "make clean             remove everything that was made here"

ready-to-run:
	@.ci/packages run
	@.ci/environment requirements.txt

ready-to-test:
	@.ci/packages test
	@.ci/environment tests/requirements.txt

run: ready-to-run
	@exec env PORT=$(PORT) RETOUR_DEMO=1 $(PY) -m config.supervisor

test: ready-to-test
	$(PYTEST) -m "not soak and not benchmark" tests

soak: ready-to-test
	@seed=$$(date +%s); echo "Seed of the property tests: $$seed"; \
	  HYPOTHESIS_PROFILE=soak $(PYTEST) -m "soak or property or full_size" --timeout 1200 \
	  --hypothesis-seed=$$seed tests
	$(PY) -m pytest -n 0 -m "benchmark and not soak" --timeout 1800 -s tests
	.ci/elsewhere

lint: ready-to-test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	@find templates -name "*.html" -not -path "templates/jinja/*" -print0 | xargs -0 -r .venv/bin/djade --target-version 5.2 --check
	$(PY) -m mypy
	$(PY) -m pip check
	$(PY) manage.py check --fail-level WARNING
	$(PY) manage.py makemigrations --check --dry-run
	@env RETOUR_DEMO=0 SECRET_KEY="$$(head -c 64 /dev/urandom | base64 -w0)" ALLOWED_HOSTS=retour.example \
	  DATABASE_URL=postgres://app@localhost/retour DATABASE_OWNER_URL=postgres://owner@localhost/retour \
	  CELERY_BROKER_URL=redis://localhost/0 $(PY) manage.py check --deploy --fail-level WARNING

reset-demo: ready-to-run
	@$(PY) -m config.embedded reset

clean:
	@[[ ! -x $(PY) ]] || $(PY) -m config.embedded stop >/dev/null
	@[[ ! -x $(PY) ]] || $(PY) -m config.embedded reset >/dev/null
	rm -rf .run .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis
