# Two commands do everything: `make run` and `make test`. Each builds .venv first when it must.
# They need make, Python 3.11 or later and its venv module: `apt-get install make python3-venv`.
# PYTHON=... chooses another Python; without it the newest of these that is new enough is taken.
PYTHONS := python3.13 python3.12 python3.11 python3
PYTHON ?= $(firstword $(foreach python,$(PYTHONS),$(shell $(python) -c 'import sys, venv, ensurepip; \
	print("$(python)") if sys.version_info >= (3, 11) else None' 2>/dev/null)))
BIN := .venv/bin
MATCHER := pipeline/assign_uprn

.PHONY: run test mutate check format docs model clean lock check-lock assign-uprn-environment python

run: .venv/.ok ## run the whole pipeline on the sample project
	$(BIN)/hearth run --config sample_data/sample/hearth.toml --workspace workspace

test: .venv/.ok ## run every test
	$(BIN)/pytest -n 2 --dist worksteal

mutate: .venv/.ok ## change the code in small ways and see whether a test fails (OPTIONS="pipeline/household --sample 100")
	$(BIN)/python tests/mutation/mutate.py $(OPTIONS)

check: .venv/.ok ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/.ok
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/.ok ## write the generated pages of docs/ again
	$(BIN)/python -m flows.actions.architecture_page
	$(BIN)/python -m flows.actions.error_reference
	$(BIN)/python -m flows.actions.linkage_method_page

model: .venv/.ok ## train the model that ships with Hearth again, and approve it for the sample
	$(BIN)/python -m flows.actions.shipped_model

lock: .venv/.ok ## resolve the lock file again after a change of pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group dev --generate-hashes --universal \
		--python-version 3.11 --no-header --quiet -o requirements.lock
	$(BIN)/uv pip compile $(MATCHER)/requirements.in --generate-hashes --universal \
		--python-version 3.11 --no-header --quiet -o $(MATCHER)/requirements.lock

check-lock: .venv/.ok ## the lock file can be installed on each Python that Hearth supports
	@for version in 3.11 3.12 3.13; do \
		$(BIN)/uv pip compile --quiet --no-deps --python-version $$version --python-platform linux \
			requirements.lock -o /dev/null || { echo "requirements.lock does not resolve on Python $$version"; exit 1; }; \
		echo "requirements.lock resolves on Python $$version"; \
	done

assign-uprn-environment: .venv-uk-address-matcher/.ok ## optional: what `hearth assign-uprn` needs

clean: ## remove the environment, the sample workspace and caches
	rm -rf .venv .venv-uk-address-matcher workspace .mypy_cache .ruff_cache .pytest_cache .hypothesis mutants

python:
	@test -n "$(PYTHON)" || { \
		echo "No Python 3.11 or later with its venv module was found (tried: $(PYTHONS))."; \
		echo "Install one: apt-get install python3 python3-venv   Then run make again, or name it: make PYTHON=/path/to/python3 run"; \
		exit 1; }

.venv/.ok: requirements.lock requirements-uv.lock pyproject.toml | python
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch .venv/.ok

# The matcher needs older versions of Splink and DuckDB than Hearth, so it has an environment of its own.
.venv-uk-address-matcher/.ok: $(MATCHER)/requirements.lock | .venv/.ok python
	$(PYTHON) -m venv --clear .venv-uk-address-matcher
	$(BIN)/uv pip install --quiet --python .venv-uk-address-matcher/bin/python --no-deps --require-hashes \
		-r $(MATCHER)/requirements.lock
	sha256sum < $(MATCHER)/requirements.lock > .venv-uk-address-matcher/hearth-lock.sha256
	touch .venv-uk-address-matcher/.ok
