"""The run context, small extracts and keys of the unit tests."""

import importlib.util
from pathlib import Path
from types import ModuleType

_UNIT = Path(__file__).parents[1] / "unit"


def _fixtures_of(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_fixtures_for_leakage", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


context = _fixtures_of(_UNIT / "conftest.py").context
_extracts = _fixtures_of(_UNIT / "pseudonymise" / "conftest.py")
ingested, key, another_key, make_key = (
    _extracts.ingested,
    _extracts.key,
    _extracts.another_key,
    _extracts.make_key,
)
