"""Order is enforced by types: every stage after the first demands what its predecessor's gate cleared."""

import ast
import inspect
from pathlib import Path
from typing import get_type_hints

import pytest

from flows.night import Night
from governance.clearance import Cleared
from pipeline.aggregate.stage import aggregate
from pipeline.disclosure.stage import disclosure
from pipeline.household.stage import household
from pipeline.link.stage import link
from pipeline.pseudonymise.stage import pseudonymise
from pipeline.publish.reveal import reveal
from pipeline.publish.stage import publish

DEMANDED = {pseudonymise: 1, link: 2, household: 3, aggregate: 1, disclosure: 1, publish: 1, reveal: 1}
NIGHT = ast.parse(Path(inspect.getsourcefile(Night) or "").read_text("utf-8"))


@pytest.mark.parametrize(
    ("stage", "clearances"), DEMANDED.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_a_stage_cannot_be_called_without_the_clearance_of_its_inputs(stage: object, clearances: int) -> None:
    hints = get_type_hints(stage)
    demanded = [
        name
        for name, parameter in inspect.signature(stage).parameters.items()  # type: ignore[arg-type]
        if hints.get(name) is Cleared and parameter.default is inspect.Parameter.empty
    ]
    assert len(demanded) == clearances


def test_every_stage_of_the_night_goes_through_the_one_place_that_judges() -> None:
    night = next(node for node in NIGHT.body if isinstance(node, ast.ClassDef) and node.name == "Night")
    methods = {node.name: ast.unparse(node) for node in night.body if isinstance(node, ast.FunctionDef)}
    for stage in ("ingest", "pseudonymise", "link", "household", "aggregate", "disclosure", "publish"):
        assert "self._stage(" in methods[stage], stage
    assert "self.gatekeeper.judge(" in methods["_stage"]


@pytest.mark.parametrize("gate", ["check_run", "retention_evidence"])
def test_the_gates_before_a_run_are_asked(gate: str) -> None:
    from flows import opening

    assert gate in inspect.getsource(opening)


def test_the_search_for_leaks_is_judged_before_a_release_appears() -> None:
    source = inspect.getsource(Night)
    assert source.index("self.gatekeeper.check(prove_absence(") > 0
    assert "reveal(" in source
