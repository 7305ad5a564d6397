"""A function takes at most seven parameters; a command takes one for each of its options."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST = 7


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    taken = function.args
    names = [each.arg for each in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


@pytest.mark.parametrize("package", ["schemas", "governance", "pipeline", "flows", "sample_data"])
def test_no_function_takes_more_than_seven_parameters(package: str) -> None:
    wide = {
        f"{path.relative_to(ROOT)}: {node.name} takes {len(parameters(node))}"
        for path in (ROOT / package).rglob("*.py")
        if ROOT / "flows" / "commands" not in path.parents
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(parameters(node)) > MOST
    }
    assert wide == set()
