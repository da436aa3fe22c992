# Prerequisites: git make python3 python3-venv ca-certificates (Python 3.11 or newer). `make help` lists the targets.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.ONESHELL:
.SHELLFLAGS := -euc

PYTHON ?= python3
BENCH ?=
TESTS ?= tests
RUN := .venv/bin/python

.PHONY: help demo test bench chaos fuzz lint format docs lock test-tools clean environment

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 14

demo: environment ## the whole main job on the embedded default; writes var/demo/
	@$(RUN) -m workers.demo

test: environment ## all tests (TESTS=path selects)
	@$(RUN) -m pytest -n 2 --dist worksteal $(TESTS)

bench: environment ## benchmarks to var/bench/*.json (BENCH=name selects one)
	@$(RUN) -m tests.bench $(BENCH)

chaos: environment ## long kill tests
	@CHAOS=long $(RUN) -m pytest -p no:randomly --timeout 3600 -s tests/chaos tests/gate/test_model.py

fuzz: environment ## coverage-guided harnesses, five minutes each, then long runs of the property tests
	@$(RUN) -m tests.fuzz
	HYPOTHESIS_PROFILE=fuzz $(RUN) -m pytest -n 2 --timeout 3600 -m hypothesis tests

lint: environment ## format, lint and strict types
	@$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy

format: environment ## put the code in form
	@$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

docs: environment ## write docs/reference/ anew from the code
	@$(RUN) -m tests.docs

lock: environment ## make requirements/*.txt anew from pyproject.toml
	@$(RUN) .ci/lock

test-tools: ## what some tests need beyond the prerequisites: chromium, postfix, iproute2 (as root)
	@PATH="$$PATH:/usr/sbin:/sbin"
	if command -v chromium && command -v smtp-sink && command -v ip; then exit 0; fi
	if [ "$$(id -u)" -ne 0 ]; then echo "make test-tools installs Debian packages: run it as root." >&2; exit 1; fi
	export DEBIAN_FRONTEND=noninteractive
	echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
	apt-get -o DPkg::Lock::Timeout=300 update -qq
	apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends chromium fonts-dejavu-core postfix iproute2 </dev/null

environment:
	@sh .ci/prerequisites "$(PYTHON)"
	"$(PYTHON)" .ci/environment

clean: ## remove the environment and all that runs have left
	@rm -rf .venv var build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
