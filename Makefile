# make run    everything set up, and the portal with its workers at http://127.0.0.1:8000
# make test   every test, real servers and a real browser included where they can be had
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
HOST ?= 127.0.0.1
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test test-postgres lint types bench experiments setup setup-dev front schema clean

help:
	@sed -n 's/^# //p' Makefile

run: setup
	@exec $(BIN)/python manage.py runportal --host $(HOST) --port $(PORT)

test: setup-dev
	$(BIN)/python -m pytest -q -n auto --dist loadfile $(PYTEST_ARGS)
	@if [ -n "$$POSTGRES_TEST_URL" ]; then $(MAKE) --no-print-directory test-postgres; fi

# What depends on how a database locks and commits, over the server that POSTGRES_TEST_URL names.
test-postgres: setup-dev
	TEST_DATABASE_URL=$(POSTGRES_TEST_URL) $(BIN)/python -m pytest -q -m "not slow" tests/accounts tests/pipeline \
		tests/search/test_outbox.py tests/search/test_rebuild_search_index.py tests/search/test_signals.py \
		tests/transcription/test_transcribe.py tests/transcription/test_uploading.py tests/test_visibility.py

lint: setup-dev types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet

types: setup-dev
	$(BIN)/mypy

bench: setup-dev
	$(BIN)/python -m benchmarks.chain
	$(BIN)/python -m benchmarks.search speed --moments 10000 100000

# Full runs behind the tables of docs/results; each goes on where it was stopped.
experiments: setup-dev
	$(BIN)/python manage.py train_topics --data $${VIDEOPORTAL_DATA:-../shared/data}/bbc_news/articles.jsonl --output var/experiments/topics
	cp var/experiments/topics/folds.csv docs/results/topics/folds.csv
	$(BIN)/python -m benchmarks.topics --csv docs/results/topics
	$(BIN)/python -m benchmarks.topic_baselines --csv docs/results/topics
	$(BIN)/python -m benchmarks.new_topics --data $${VIDEOPORTAL_DATA:-../shared/data}/bbc_news/articles.jsonl --cache var/experiments/topics/vectors.npz --output docs/results/topics/new_topics.csv
	$(BIN)/python -m benchmarks.spoken_topics --csv docs/results/topics
	$(BIN)/python -m benchmarks.heard_topics --csv docs/results/topics
	scripts/asr_experiments.sh
	scripts/sync_experiments.sh
	$(BIN)/python -m benchmarks.search speed --csv docs/results/search
	$(BIN)/python -m benchmarks.search speed --vectors --csv docs/results/search
	$(BIN)/python -m benchmarks.search quality --csv docs/results/search
	$(BIN)/python -m benchmarks.search freshness --csv docs/results/search
	$(BIN)/python -m benchmarks.search resilience --csv docs/results/search
	@if [ -n "$$ELASTICSEARCH_TEST_URL" ]; then \
		$(BIN)/python -m benchmarks.search speed --engine elasticsearch --csv docs/results/search && \
		$(BIN)/python -m benchmarks.search quality --engine elasticsearch --csv docs/results/search && \
		$(BIN)/python -m benchmarks.search freshness --engine elasticsearch --csv docs/results/search && \
		$(BIN)/python -m benchmarks.search resilience --engine elasticsearch --csv docs/results/search; \
	fi

schema: setup
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

setup: $(VENV)/.runtime front

setup-dev: $(VENV)/.dev front

front: static/dist/main.js

$(VENV)/.runtime: requirements.txt requirements-nodeps.txt scripts/check_machine.sh
	@PYTHON=$(PYTHON) sh scripts/check_machine.sh
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' requirements.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-nodeps.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@PYTHON=$(PYTHON) sh scripts/check_machine.sh dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

node_modules/.installed: package.json package-lock.json .npmrc $(VENV)/.runtime
	@sh scripts/npm.sh ci --no-progress --loglevel=error
	@touch $@

static/dist/main.js: node_modules/.installed $(shell find static/src -type f 2>/dev/null)
	@sh scripts/npm.sh run build --silent
	@touch $@

clean:
	rm -rf $(VENV) node_modules static/dist var
