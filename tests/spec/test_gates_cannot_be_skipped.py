"""No gate can be passed by: take the call of any of them out of the programme, and the run is refused.

Each test cuts one call out of the real source, as an edit would, and runs what is left on small
artefacts. The uncut source takes the same road to its end, so it is the cut that is found.
"""

import ast
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, get_type_hints

import pytest

import flows.run.nightly_run
import flows.run.setup.run_setup
import flows.stages
from flows.run.nightly_run import NightlyRun
from flows.run.plan import calls_in_order, gate_order, stages_at
from flows.run.reporting.display import Display
from flows.run.setup.run_setup import RunSetup
from governance.agreement.agreement import Agreement
from governance.artefact import Artefact, Evidence, FileRecord
from governance.audit.log import AuditLog
from governance.audit.signer import open_log_signer
from governance.clearance import Clearance, Cleared
from governance.errors import HearthError, Refused
from governance.gate import Gatekeeper
from governance.rules.registry import Rule, passed
from pipeline.aggregate.stage import aggregate
from pipeline.context import RunContext
from pipeline.disclosure.stage import disclosure
from pipeline.group.stage import group
from pipeline.household.stage import household
from pipeline.link.stage import link
from pipeline.project import read_project
from pipeline.pseudonymise.stage import pseudonymise
from pipeline.publish.commit_release import commit_release
from pipeline.publish.stage import publish
from pipeline.quality.stage import quality
from pipeline.workspace import Workspace

SAMPLE = Path(__file__).parents[2] / "sample_data" / "sample"
DEMANDED = {
    pseudonymise: 1,
    group: 2,
    link: 3,
    quality: 3,
    household: 3,
    aggregate: 1,
    disclosure: 1,
    publish: 3,
    commit_release: 1,
}
ROAD = (
    ("ingest", "council"),
    ("pseudonymise", "council"),
    ("ingest", "nhs"),
    ("pseudonymise", "nhs"),
    ("group", "all"),
    ("link", "all"),
    ("quality", "all"),
    ("household", "all"),
    ("aggregate", "all"),
    ("disclosure", "all"),
    ("publish", "all"),
)
#: Written by hand, on purpose: the proof does not rest on the list of stages that it is about.
BEFORE = (("run", "all"), ("retention", "all"))
BOTH = (("pseudonymise", "council"), ("pseudonymise", "nhs"))
ORDER: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("run", "all"): (),
    ("retention", "all"): (("run", "all"),),
    ("ingest", "council"): BEFORE,
    ("ingest", "nhs"): BEFORE,
    ("pseudonymise", "council"): (*BEFORE, ("ingest", "council")),
    ("pseudonymise", "nhs"): (*BEFORE, ("ingest", "nhs")),
    ("group", "all"): (*BEFORE, *BOTH),
    ("link", "all"): (*BEFORE, ("group", "all"), *BOTH),
    ("quality", "all"): (*BEFORE, ("link", "all"), *BOTH),
    ("household", "all"): (*BEFORE, ("link", "all"), *BOTH),
    ("aggregate", "all"): (*BEFORE, ("household", "all")),
    ("disclosure", "all"): (*BEFORE, ("aggregate", "all")),
    ("publish", "all"): (*BEFORE, ("disclosure", "all"), ("quality", "all"), ("aggregate", "all")),
    ("leakage", "all"): (("publish", "all"),),
}
YES = Rule("TST-01", 1, "Yes", "link", "source", "None.", lambda *_: passed("1", "1"))


def small(stage: str, part: str) -> Artefact:
    digest = f"{ROAD.index((stage, part)):x}" * 64
    return Artefact(stage, part, Path("nowhere"), "f" * 64, (FileRecord("table.parquet", digest, 10, 3),))


class Standing:
    """A plan in which every step stands already, but for those that a test wants made anew."""

    def __init__(self, anew: tuple[tuple[str, str], ...] = ()) -> None:
        self.anew = anew
        self.fingerprints = dict.fromkeys(ROAD, "f" * 64)

    def find(self, step: tuple[str, str]) -> tuple[Artefact, Evidence] | None:
        seed = {"canary_seed": "00"} if step[0] == "pseudonymise" else {}
        return None if step in self.anew else (small(*step), Evidence(*step, seed))

    def forget(self, step: tuple[str, str]) -> None:
        """Nothing is kept."""


@pytest.fixture
def context(tmp_path: Path, agreement: Agreement) -> Iterator[RunContext]:
    project = replace(read_project(SAMPLE / "hearth.toml", tmp_path / "workspace"), truth=None)
    workspace = Workspace.open(project.workspace)
    with workspace.spill("run-1") as spill:
        yield RunContext("run-1", project, agreement, workspace, spill, lambda _: None)


@pytest.fixture
def travel(context: RunContext, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cleared]:
    """Takes small artefacts through the stages of a (cut) run; every rule passes."""
    searched = Evidence("leakage", "all", {"hits": 0})

    def travelled(
        run_class: type[NightlyRun],
        plan: Standing,
        declared: ModuleType = flows.stages,
        honest_commit: bool = False,
    ) -> Cleared:
        audit = AuditLog.open(
            context.workspace.zone("audit"), open_log_signer(context.workspace.zone("keys"), "hearth/test")
        )
        keeper = Gatekeeper(
            "run-1", context.agreement, audit, "operator", rule_book=lambda *_: (YES,), order=ORDER
        )
        keeper.check_run(Evidence("run", "all"))
        keeper.check(Evidence("retention", "all"))
        keys: Any = SimpleNamespace(receiver=None, linkage=lambda: None)
        display = Display(context.spill / "log", True)
        told = replace(context, log=keeper.recorded)
        run = run_class(told, keeper, keys, display, "single operator", declared=declared.STAGES)
        run.__dict__ |= {"plan": plan, "extracts": {"council": (), "nhs": ()}}
        names = vars(declared)
        monkeypatch.setitem(names, "prove_absence", lambda *_: searched)
        monkeypatch.setitem(names, "dispose_artefact", lambda *_, **__: 0)
        if not honest_commit:
            monkeypatch.setitem(names, "commit_release", lambda cleared, *_: cleared.artefact)
        return run.take_stages()["publish", "all"]

    return travelled


def cut(module: ModuleType, old: str, new: str) -> ModuleType:
    """Return the module as it would be with one call in it replaced; fails where the call is not there."""
    wanted = ast.unparse(ast.parse(old, mode="eval").body)
    replaced = 0

    class Cut(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            nonlocal replaced
            if ast.unparse(node) == wanted:
                replaced += 1
                return ast.parse(new, mode="eval").body
            return self.generic_visit(node)

    tree = Cut().visit(ast.parse(inspect.getsource(module)))
    assert replaced == 1, f"{old} stands {replaced} times in {module.__name__}"
    edited = ModuleType(module.__name__)
    edited.__file__ = module.__file__
    with _known_as(edited):
        exec(compile(ast.fix_missing_locations(tree), str(module.__file__), "exec"), edited.__dict__)
    return edited


@contextmanager
def _known_as(module: ModuleType) -> Iterator[None]:
    """Let dataclasses of a module that is being made find it by its name."""
    import sys

    before = sys.modules[module.__name__]
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        sys.modules[module.__name__] = before


JUDGE = "self.gatekeeper.judge(artefact, evidence)"


def without_gate(stage: str) -> type[NightlyRun]:
    """Return a run that hands on what one stage made without its gate."""
    edited = cut(flows.run.nightly_run, JUDGE, f"artefact if stage.name == {stage!r} else {JUDGE}")
    run_class: type[NightlyRun] = edited.NightlyRun
    return run_class


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


def test_the_declared_stages_pass_in_the_order_written_here_and_so_do_their_gates() -> None:
    stages = stages_at("single operator")
    assert tuple((stage.name, part) for stage, part in calls_in_order(stages, ("council", "nhs"))) == ROAD
    assert gate_order("single operator") == ORDER


def test_the_linkage_environment_has_no_gate_of_ingest_and_a_controller_none_of_linkage() -> None:
    received = {step: tuple(s for s in before if s[0] != "ingest") for step, before in ORDER.items()}
    assert gate_order("linkage environment") == {k: v for k, v in received.items() if k[0] != "ingest"}
    own = [("run", "all"), ("retention", "all"), ("ingest", "nhs"), ("pseudonymise", "nhs")]
    assert gate_order("controller", ("nhs",)) == {
        **{step: ORDER[step] for step in own},
        ("leakage", "nhs"): (("pseudonymise", "nhs"),),
    }


def test_with_every_gate_the_journey_ends_in_a_cleared_release(
    travel: Callable[..., Cleared], context: RunContext
) -> None:
    released = travel(NightlyRun, Standing())
    assert isinstance(released, Cleared)
    asked = [e for e in _events(context) if e["event"] == "gate" and e["verdict"] == "cleared"]
    wanted = [("run", "all"), ("retention", "all"), *ROAD, ("leakage", "all")]
    assert sorted((e["stage"], e["evidence"]["part"]) for e in asked) == sorted(wanted)


@pytest.mark.parametrize("stage", dict.fromkeys(stage for stage, _ in ROAD))
def test_the_run_is_refused_where_a_stages_gate_was_cut_out(
    stage: str, travel: Callable[..., Cleared]
) -> None:
    with pytest.raises(Refused) as raised:
        travel(without_gate(stage), Standing())
    assert raised.value.code in ("GATE_SKIPPED", "NOT_CLEARED")


@pytest.mark.parametrize(
    ("stage", "reader"),
    [
        ("ingest", ("pseudonymise", "council")),
        ("pseudonymise", ("group", "all")),
        ("pseudonymise", ("link", "all")),
        ("group", ("link", "all")),
        ("link", ("quality", "all")),
        ("link", ("household", "all")),
        ("household", ("aggregate", "all")),
        ("aggregate", ("disclosure", "all")),
        ("disclosure", ("publish", "all")),
    ],
)
def test_the_next_stage_itself_refuses_what_no_gate_cleared(
    stage: str, reader: tuple[str, str], travel: Callable[..., Cleared], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gatekeeper, "_check_order", lambda *_: None)
    with pytest.raises(Refused, match="NOT_CLEARED"):
        travel(without_gate(stage), Standing(anew=(reader,)))


def test_a_release_does_not_appear_where_the_search_for_leaks_was_not_judged(
    travel: Callable[..., Cleared],
) -> None:
    edited = cut(flows.stages, "run.gatekeeper.judge_absence(staged, searched)", "staged.clearance")
    with pytest.raises(Refused, match="CLEARANCE_MISMATCH"):
        travel(NightlyRun, Standing(), declared=edited, honest_commit=True)


@pytest.mark.parametrize(
    ("call", "skipped"),
    [
        ("gatekeeper.check_run(facts)", "run all"),
        (
            "gatekeeper.check(retention_evidence(workspace.root, agreement, datetime.now(UTC), run_id))",
            "retention all",
        ),
    ],
)
def test_no_extract_is_taken_in_where_a_gate_before_the_run_was_cut_out(
    call: str, skipped: str, context: RunContext
) -> None:
    edited = cut(flows.run.setup.run_setup, call, "None")
    for module, code in ((flows.run.setup.run_setup, "NOT_EVALUATED"), (edited, "GATE_SKIPPED")):
        with (
            pytest.raises(HearthError) as raised,
            module.set_up_run(
                RunSetup.of_linkage(
                    context.project,
                    context.workspace,
                    f"run-{code.lower().replace('_', '-')}",
                    Display(context.spill / "log", True),
                )
            ) as run,
        ):
            run.gatekeeper.judge(small("ingest", "council"), Evidence("ingest", "council"))
        assert raised.value.code == code
    assert skipped in raised.value.reason


def test_a_clearance_of_another_release_does_not_reveal_this_one(context: RunContext) -> None:
    from governance.clearance import _MINT

    release = small("publish", "all")
    cleared = Cleared(release, Clearance("run-1", "publish", release.digest, 0, (), _MINT))
    other = replace(release, files=())
    absence = Clearance("run-1", "leakage", other.digest, 0, (), _MINT)
    with pytest.raises(Refused, match="CLEARANCE_MISMATCH"):
        commit_release(cleared, absence, context, lambda *_: pytest.fail("it was recorded"))


def _events(context: RunContext) -> list[dict[str, Any]]:
    import json

    return [json.loads(line) for line in (context.workspace.zone("audit") / "audit.jsonl").open()]
