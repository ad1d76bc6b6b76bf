# `make` lists the targets. Every target sets up what it needs by itself.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

PY := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)
PYTEST := $(PY) -m pytest -q
# Much of the tests' time is waiting, so there is one worker more than there are processors; a file stays in one worker.
WORKERS ?= $(shell n=$$(nproc); echo $$((n < 7 ? n + 1 : 8)))
PARALLEL := -n $(WORKERS) --dist loadfile
SHELL_FILES = $$(git ls-files '*.sh' '.ci/run')

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install everything that development needs (Debian packages when root, .venv)
	@scripts/setup.sh

.PHONY: demo
demo: setup ## Start the lab and walk through CSE with the real vcd-cli; leaves the lab running
	@$(PY) -m cse_lab demo

.PHONY: up
up: setup ## Start the lab: RabbitMQ, the simulator, the three services (LAB_PROFILE, LAB_SERVICES, LAB_VCENTER_LISTEN)
	@$(PY) -m cse_lab up

.PHONY: down
down: ## End the lab, exactly what `make up` started
	@if [ -x $(PY) ]; then $(PY) -m cse_lab down; fi

.PHONY: status
status: setup ## Say what runs of the lab
	@$(PY) -m cse_lab status

.PHONY: test
test: setup lint types protos-check test-unit test-contract test-integration e2e ## Run all checks and all tests

.PHONY: lint
lint: setup ## ruff, import-linter, proto lint, shellcheck, pins
	@ruff format --check --quiet .
	@ruff check --quiet .
	@lint-imports --no-logo
	@$(PY) scripts/lint_protos.py
	@shellcheck -x $(SHELL_FILES)
	@$(PY) scripts/lock.py --check

.PHONY: format
format: setup ## Format the code and repair what ruff can repair
	@ruff format .
	@ruff check --fix .

.PHONY: types
types: setup ## mypy --strict over code and tests
	@mypy --no-error-summary $$(sed -n 's|^-e \(.*\)|\1/src|p' requirements-dev.txt | grep -v contracts) tests scripts docs/examples bench

.PHONY: protos
protos: setup ## Regenerate libs/contracts from protos/
	@$(PY) scripts/gen_protos.py

.PHONY: protos-check
protos-check: setup ## Fail if the generated code is stale
	@$(PY) scripts/gen_protos.py --check

.PHONY: test-unit
test-unit: setup ## Tests without any I/O
	@$(PYTEST) $(PARALLEL) tests/unit

.PHONY: test-contract
test-contract: setup ## Tests of our sides of gRPC and AMQP, with real framing
	@$(PYTEST) $(PARALLEL) tests/contract

.PHONY: test-integration
test-integration: setup ## Tests of one part with a real broker or the simulator
	@$(PYTEST) $(PARALLEL) -m "not long" tests/integration

.PHONY: test-long
test-long: setup ## Tests that take more than half a minute each: the simulator's guide and soak, killed operations, all guest faults, all hostile values
	@$(PYTEST) $(PARALLEL) -o faulthandler_timeout=0 -m long tests/e2e tests/integration

.PHONY: e2e
e2e: setup ## Tests of the whole, through the real vcd-cli, in a lab of their own
	@$(PYTEST) -m "not long" tests/e2e

.PHONY: chaos-operations
chaos-operations: setup ## Kill, freeze, starve and disturb operations for about 20 minutes, and print what was done (CHAOS_SEED)
	@$(PY) -m pytest -v -n 2 --dist load --maxschedchunk 1 -o faulthandler_timeout=0 tests/chaos

.PHONY: container-check
container-check: ## Build the images and create a cluster through them (needs root for a Docker Engine)
	@scripts/container-check.sh

.PHONY: bench-gateway
bench-gateway: setup ## Requests per second and latency of the gateway, beside a bare pika loop
	@$(PY) bench/gateway.py

.PHONY: bench-simulator
bench-simulator: setup ## Rates, latencies and memory of the simulator with 10,000 vApps
	@$(PY) bench/simulator.py

.PHONY: bench-create
bench-create: setup ## How long clusters of 1 to 32 workers take, beside the critical path of the simulated cloud
	@$(PY) bench/create.py

.PHONY: bench-load
bench-load: setup ## 1,000 creations in flight at once on one replica; one load on one and on two replicas
	@$(PY) bench/load.py

.PHONY: bench-list
bench-list: setup ## How long a list of 5,000 clusters takes, and reading one of them
	@$(PY) bench/clusters_list.py

.PHONY: soak-simulator
soak-simulator: setup ## Fifty clients in the simulator for ten minutes (SOAK_MINUTES, SOAK_CLIENTS): no error, no leak
	@SOAK_MINUTES=$${SOAK_MINUTES:-10} $(PYTEST) -s -o faulthandler_timeout=0 tests/integration/simulator/test_soak.py

.PHONY: simulator-coverage
simulator-coverage: setup ## Write anew which of pyvcloud's methods the simulator serves, from its tests
	@$(PY) scripts/simulator_coverage.py

.PHONY: lock
lock: setup ## Pin anew what the members need (UPGRADE=1: to the newest versions)
	@$(PY) scripts/lock.py $(if $(UPGRADE),--upgrade)
