# Two commands do everything: `make run` and `make test`. Each builds .venv first when it must.
# Needs Debian's python3-venv and make, nothing else.
PYTHON ?= python3.11
BIN := .venv/bin
MATCHER := pipeline/assign_uprn

.PHONY: run test mutate check format clean lock assign-uprn-environment

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

lock: .venv/.ok ## resolve the lock file again after a change of pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group dev --generate-hashes --universal \
		--python-version 3.11 --no-header --quiet -o requirements.lock
	$(BIN)/uv pip compile $(MATCHER)/requirements.in --generate-hashes --universal \
		--python-version 3.11 --no-header --quiet -o $(MATCHER)/requirements.lock

assign-uprn-environment: .venv-uk-address-matcher/.ok ## optional: what `hearth assign-uprn` needs

clean: ## remove the environment, the sample workspace and caches
	rm -rf .venv .venv-uk-address-matcher workspace .mypy_cache .ruff_cache .pytest_cache .hypothesis mutants

.venv/.ok: requirements.lock requirements-uv.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch .venv/.ok

# The matcher needs older versions of Splink and DuckDB than Hearth, so it has an environment of its own.
.venv-uk-address-matcher/.ok: $(MATCHER)/requirements.lock | .venv/.ok
	$(PYTHON) -m venv --clear .venv-uk-address-matcher
	$(BIN)/uv pip install --quiet --python .venv-uk-address-matcher/bin/python --no-deps --require-hashes \
		-r $(MATCHER)/requirements.lock
	sha256sum < $(MATCHER)/requirements.lock > .venv-uk-address-matcher/hearth-lock.sha256
	touch .venv-uk-address-matcher/.ok
