# What people and CI call. `make` alone lists it.
SHELL := /bin/sh
PYTHON := .venv/bin/python
SAM := .venv-sam/bin/sam
SAM_VERSION := 1.170.0
ENV ?= default
BUILD := .aws-sam/build
SOURCES := $(wildcard layers/shared/carillon functions local bench tests tools)

# The repository's packages import without being installed.
export PYTHONPATH := $(CURDIR):$(CURDIR)/layers/shared
export PYTHONDONTWRITEBYTECODE :=
export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
.PHONY: help setup run test lint mypy lint-imports format validate build build-check prism replay chaos bench-imports openapi whatsapp-templates redrive deploy lock clean import

help:  ## This list
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | awk -F':.*  ## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: .venv/.installed  ## The development environment, in .venv

.venv/.installed: requirements-dev.txt tools/setup.sh tools/find-python.sh
	@tools/setup.sh
	@touch $@

run: setup  ## The local cloud with a demo organization [API_PORT= TOOLS_PORT= DEMO=0 FRESH=1 SMS_BACKEND=eum]
	@exec $(PYTHON) -m local

# In the order of the folders: what plays the whole cloud is long, and at the end one core would wait for the other.
test: setup  ## All tests, on every core [ARGS="-k name"]
	$(PYTHON) -m pytest -n auto --dist loadfile --no-loadscope-reorder -rs $(ARGS)

# What the tests against Twilio's description take; they say that they are skipped where the description isn't.
PRISM := tests/contract/prism
prism: $(PRISM)/node_modules/.package-lock.json  ## Serves a provider's OpenAPI description to the tests; takes Node 20

$(PRISM)/node_modules/.package-lock.json: $(PRISM)/package.json $(PRISM)/package-lock.json
	@command -v npm >/dev/null || { echo "Prism takes Node and npm; on Debian and Ubuntu: apt-get install nodejs npm" >&2; exit 1; }
	cd $(PRISM) && npm ci
	@touch $@

lint: setup  ## ruff, mypy --strict, import-linter
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	$(MAKE) --no-print-directory mypy lint-imports

mypy: setup
	.venv/bin/mypy --strict $(SOURCES)

lint-imports: setup
	.venv/bin/lint-imports

format: setup  ## Sorts imports and formats
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# The SAM CLI pins packages that differ from ours, so it lives apart, and only once it is needed.
$(SAM): | setup
	@python=$$(tools/find-python.sh 3.13) || { echo "Building takes Python 3.13; see the notice of make setup." >&2; exit 1; }; \
	echo "installing the SAM CLI $(SAM_VERSION) into .venv-sam"; \
	.venv/bin/uv venv --quiet --clear --seed --python "$$python" .venv-sam
	@.venv/bin/uv pip install --quiet --python .venv-sam/bin/python aws-sam-cli==$(SAM_VERSION) || { rm -rf .venv-sam; exit 1; }

validate: $(SAM)  ## template.yaml: sam validate --lint
	$(SAM) validate --lint --region eu-central-1

# .venv-sam is first on PATH for its python3.13, .venv follows for its uv.
build: $(SAM)  ## What is deployed, into .aws-sam
	PATH="$(CURDIR)/.venv-sam/bin:$(CURDIR)/.venv/bin:$$PATH" $(SAM) build
	.venv-sam/bin/python tools/compile_artefacts.py $(BUILD)

build-check: setup  ## Looks at what `make build` made
	BUILD_CHECK=1 $(PYTHON) -m pytest tests/contract/test_build.py

replay: setup  ## A file of bookings through the API [FILE=bookings.csv]
	@test -n "$(FILE)" || { echo "usage: make replay FILE=bookings.csv" >&2; exit 2; }
	@exec $(PYTHON) -m local.replay "$(FILE)"

import: export CARILLON_KEY := $(or $(KEY),$(CARILLON_KEY))
import: export CARILLON_API := $(or $(API),$(CARILLON_API))
import: setup  ## Clients or appointments from a CSV file, over the API [FILE= KEY= API= MAPPING= DRY=1 SKIP_BAD=1]
	@test -n "$(FILE)" || { echo "usage: make import FILE=clients.csv KEY=crl_live_..." >&2; exit 2; }
	@$(PYTHON) -m tools.importing "$(FILE)" $(if $(MAPPING),--mapping "$(MAPPING)") $(if $(DRY),--dry-run) \
		$(if $(SKIP_BAD),--skip-bad) $(ARGS)

bench-imports: setup  ## What a cold start costs each function, against its floor [FUNCTIONS="send_email"]
	$(PYTHON) bench/imports.py $(FUNCTIONS)

chaos: setup  ## Bookings while everything fails now and then [SEED=1 N=40 PACE=PT15M FILE=bookings.csv]
	@exec $(PYTHON) -m local.chaos --seed $(or $(SEED),1) --count $(or $(N),40) --pace $(or $(PACE),PT15M) \
		$(if $(FILE),--file "$(FILE)")

openapi: setup  ## Writes the OpenAPI document anew that the API serves
	$(PYTHON) tools/openapi.py

whatsapp-templates: setup  ## Creates and follows WhatsApp templates: TABLE= SECRET=, or ORG= for those of an own number
	$(PYTHON) tools/whatsapp_templates.py --table "$(TABLE)" --secret "$(SECRET)" --org "$(ORG)"

redrive: setup  ## Dead letters: shown, or REPLAY=1 sent on again [STACK=carillon|LOCAL=.local QUEUE=]
	@$(PYTHON) tools/redrive.py $(if $(LOCAL),--local "$(LOCAL)",--stack "$(or $(STACK),carillon)") \
		$(if $(QUEUE),--queue "$(QUEUE)") $(if $(REPLAY),--replay)

deploy: build  ## To AWS [ENV=dev|prod]
	$(SAM) deploy --config-env $(ENV)

lock: setup  ## Pins the requirements files anew, from pyproject.toml
	.venv/bin/uv pip compile --quiet --no-annotate --universal --python-version 3.11 --group dev \
		--custom-compile-command "make lock" -o requirements-dev.txt
	.venv/bin/uv pip compile --quiet --no-annotate --python-version 3.13 --python-platform aarch64-manylinux_2_28 \
		--group layer -c requirements-dev.txt --custom-compile-command "make lock" -o layers/dependencies/requirements.txt
	.venv/bin/uv pip compile --quiet --no-annotate --python-version 3.13 --python-platform aarch64-manylinux_2_28 \
		--group whatsapp -c requirements-dev.txt --custom-compile-command "make lock" -o functions/send_whatsapp/requirements.txt
	for function in billing_api settle_payments; do \
		.venv/bin/uv pip compile --quiet --no-annotate --python-version 3.13 --python-platform aarch64-manylinux_2_28 \
			--group payments -c requirements-dev.txt --custom-compile-command "make lock" \
			-o functions/$$function/requirements.txt || exit 1; \
	done

clean:  ## Removes what was built and cached, and the local cloud's state; keeps the environments
	rm -rf .aws-sam .local .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
