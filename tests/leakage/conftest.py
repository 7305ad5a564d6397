"""The small extracts and keys of the pseudonymise tests."""

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location(
    "pseudonymise_fixtures_for_leakage",
    Path(__file__).parents[1] / "unit" / "pseudonymise" / "conftest.py",
)
assert _spec is not None
assert _spec.loader is not None
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
context, ingested, key, another_key, make_key = (
    _fixtures.context,
    _fixtures.ingested,
    _fixtures.key,
    _fixtures.another_key,
    _fixtures.make_key,
)
