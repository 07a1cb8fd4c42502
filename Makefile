.DEFAULT_GOAL := help
PY := .venv/bin/python

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/ready: pyproject.toml uv.lock .ci/requirements.txt .ci/setup
	@bash .ci/setup

.ci/node_modules/ready: .ci/package-lock.json .ci/azurite
	@bash .ci/azurite

demo: .venv/ready ## set up, then index a catalogue of 250,000 products and search it
	@bash specs/catalog/demo

test: .venv/ready .ci/node_modules/ready ## set up, then run the tests (the house tests run with `make check`)
	@bash .ci/compile
	@$(PY) -m pytest --ignore tests/house -n 4 --dist worksteal

check: .venv/ready ## format, lint, types, import rules, house tests
	@.venv/bin/ruff format --check . && .venv/bin/ruff check .
	@.venv/bin/mypy && .venv/bin/basedpyright && .venv/bin/lint-imports
	@$(PY) -m pytest tests/house

golden: .venv/ready ## write the golden files again; review the diff
	@$(PY) -m pytest tests/golden --update-golden

docs: .venv/ready ## write the reference pages that are made from code
	@$(PY) -m pytest tests/house/test_docs.py --update-golden

lock: ## resolve the locked versions again
	@uv lock && bash .ci/export

bench: .venv/ready ## measure, side by side in one run
	@$(PY) -m pytest tests/bench -m bench -s -p no:cacheprovider --timeout 3600

soak: .venv/ready .ci/node_modules/ready ## the exhaustive crash tests
	@$(PY) -m pytest tests -m soak -s --timeout 7200

clean: ## remove what was built
	@rm -rf .venv .venv-bench .ci/node_modules build dist .demo

.PHONY: help demo test check golden docs lock bench soak clean
