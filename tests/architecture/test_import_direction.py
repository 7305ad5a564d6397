"""schemas <- governance <- pipeline <- flows: imports run one way."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT = {
    "schemas": {"schemas"},
    "governance": {"governance", "schemas"},
    "pipeline": {"pipeline", "governance", "schemas"},
    "flows": {"flows", "pipeline", "governance", "schemas", "sample_data"},
    "sample_data": {"sample_data", "pipeline", "schemas"},
}
OURS = set(MAY_IMPORT)


def imported_modules(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
    return found


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_a_package_imports_only_what_lies_before_it(package: str) -> None:
    wrong = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources(package)
        for module in imported_modules(path)
        if module.split(".")[0] in OURS - MAY_IMPORT[package]
    }
    assert wrong == set()


def test_no_modules_of_the_agreement_import_each_other_in_a_circle() -> None:
    """Imports for types only count as well: whoever reads one module then needs the other."""
    imports = {
        f"governance.agreement.{path.stem}": imported_modules(path)
        for path in (ROOT / "governance" / "agreement").glob("*.py")
    }
    while leaves := {name for name, used in imports.items() if not used & set(imports)}:
        for name in leaves:
            del imports[name]
    assert set(imports) == set()


@pytest.mark.parametrize("package", ["schemas", "governance", "pipeline", "sample_data"])
def test_prefect_is_imported_in_flows_alone(package: str) -> None:
    wrong = {
        str(path.relative_to(ROOT))
        for path in sources(package)
        if any(module.split(".")[0] == "prefect" for module in imported_modules(path))
    }
    assert wrong == set()


def test_no_file_directly_in_flows_has_the_name_of_a_top_level_package() -> None:
    """A file entry point of Prefect puts `flows/` at the front of `sys.path`; deeper files stay out of it."""
    tops = OURS | {"prefect", "splink", "duckdb", "pandas", "pyarrow", "cryptography"}
    assert {path.stem for path in (ROOT / "flows").iterdir()} & tops == set()


#: Run by the Python of another environment, so it can import nothing of ours.
WORKER = ROOT / "pipeline" / "assign_uprn" / "worker.py"


def test_only_the_engine_opens_a_database() -> None:
    wrong = {
        str(path.relative_to(ROOT))
        for package in ("governance", "pipeline", "flows")
        for path in sources(package)
        if "duckdb.connect(" in path.read_text("utf-8") and path.parent.name != "engine"
    }
    assert wrong == {str(WORKER.relative_to(ROOT))}


def test_what_another_environment_runs_imports_nothing_of_ours() -> None:
    imported = {module.split(".")[0] for module in imported_modules(WORKER)}
    assert imported - sys.stdlib_module_names == {"duckdb", "uk_address_matcher"}


def test_there_is_no_room_for_leftovers() -> None:
    names = {path.stem for package in OURS for path in sources(package)}
    assert names & {"utils", "util", "helpers", "misc", "common"} == set()


#: They append to, cut or overwrite a file in place, which a durable write does not do.
IN_PLACE = {
    "governance/audit/log.py",
    "governance/keys/destruction.py",
    "governance/retention/disposal.py",
    "pipeline/disclosure/ledger.py",
}


def test_files_are_written_durably_in_one_place() -> None:
    synced = {
        str(path.relative_to(ROOT))
        for package in OURS
        for path in sources(package)
        if "os.fsync(" in path.read_text("utf-8")
    }
    assert synced == {"schemas/storage/durable_write.py", *IN_PLACE}
