"""A pair that people decided is linked, or is not, and the evidence counts both."""

import hashlib
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from elm_road import listed, patient, place

from governance.errors import Fault
from pipeline.context import RunContext
from pipeline.link.stage import fingerprint_settings
from pipeline.link.verdict_store import read_verdicts, write_verdicts
from pipeline.link.verdicts import VERDICT

Rows = list[dict[str, Any]]
Link = Callable[[Rows, Rows, Rows], Any]

HOMES = [place("d1", 1, uprn="101"), place("d2", 2, uprn="102"), place("d3", 3, uprn="103")]
LISTED = [
    listed("c1", "d1", "Ann Oldroyd"),
    listed("c2", "d2", "Bob Marsh"),
    listed("c3", "d3", "Cyd Penrose"),
]
PATIENTS = [
    patient("n1", 1, "Ann Oldroyd", 1980, uprn="101"),
    # no name agrees at home 2, so the pair is below the limits
    patient("n2", 2, "Zoe Fairweather", 1970, uprn="102"),
    patient("n3", 3, "Cyd Penrose", 1960, uprn="103"),
    patient("n4", 3, "Dee Penrose", 1990, uprn="103"),
]


def pseudonym(record: str) -> str:
    """The pseudonym of a record id, as the fixtures make it."""
    return hashlib.sha256(record.encode()).hexdigest()[:12]


def verdict(dwelling: str, records: tuple[str, ...], is_same: bool) -> Rows:
    return [
        {
            "dwelling_record_pseudonym": pseudonym(dwelling),
            "nhs_record_pseudonym": pseudonym(record),
            "verdict_id": f"{dwelling} {records}",
            "is_same": is_same,
            "review": "r1",
            "reviewers": 2,
            "place": "uprn_and_address",
            "people": "name",
            "cell_pairs": 10,
        }
        for record in records
    ]


@pytest.fixture
def decide(context: RunContext) -> Callable[..., None]:
    """Put verdicts on record."""

    def put(*verdicts: Rows, kappa: float | None = 0.8) -> None:
        rows = [row for one in verdicts for row in one]
        write_verdicts(context.workspace, context.recorded, pa.Table.from_pylist(rows, VERDICT), kappa)

    return put


def test_without_verdicts_a_run_has_none_in_its_evidence(linked: Link) -> None:
    result = linked(HOMES, LISTED, PATIENTS)
    assert (result.dwelling_of("n1"), result.dwelling_of("n2")) == ("d1", None)
    assert [result.facts[f"verdict{n}"] for n in ("s", "_links", "_non_links", "s_not_applied")] == [
        0,
        0,
        0,
        0,
    ]


def test_a_pair_that_people_call_one_household_is_linked(linked: Link, decide: Callable[..., None]) -> None:
    decide(verdict("d2", ("n2",), True))
    result = linked(HOMES, LISTED, PATIENTS)
    assert result.dwelling_of("n2") == "d2"
    assert result.facts["verdict_links"] == 1
    assert result.facts["verdicts_not_applied"] == 0
    assert result.facts["verdict_reviewers"] == 2
    assert result.facts["verdict_kappa"] == 0.8


def test_a_pair_that_people_call_different_is_not_linked(linked: Link, decide: Callable[..., None]) -> None:
    decide(verdict("d1", ("n1",), False))
    result = linked(HOMES, LISTED, PATIENTS)
    assert result.dwelling_of("n1") is None
    assert result.residents["n1"]["reason"] == "decided_apart"
    assert result.unlinked["d1"] == "decided_apart"
    assert result.facts["verdict_non_links"] == 1
    assert result.facts["candidate_pairs"] == linked(HOMES, LISTED, PATIENTS).facts["candidate_pairs"]


def test_a_verdict_on_another_dwelling_of_the_group_wins_over_the_best(
    linked: Link, decide: Callable[..., None]
) -> None:
    twins = [*LISTED, listed("c5", "d2", "Ann Oldroyd")]
    assert linked(HOMES, twins, PATIENTS).dwelling_of("n1") == "d1"
    decide(verdict("d2", ("n1",), True))
    assert linked(HOMES, twins, PATIENTS).dwelling_of("n1") == "d2"


def test_after_a_verdict_different_the_second_best_may_be_linked(
    linked: Link, decide: Callable[..., None]
) -> None:
    twins = [*LISTED, listed("c5", "d2", "Ann Oldroyd")]
    decide(verdict("d1", ("n1",), False))
    result = linked(HOMES, twins, PATIENTS)
    assert result.dwelling_of("n1") in ("d2", None)
    assert result.residents["n1"]["reason"] != "decided_apart"


@pytest.mark.parametrize(
    ("records", "is_same", "is_applied"),
    [
        (("n3", "n4"), False, True),
        # the other member of the group was not reviewed
        (("n3",), False, False),
        (("n3",), True, True),
        # not in one group
        (("n3", "n1"), True, False),
        (("n3", "gone"), True, False),
    ],
)
def test_a_verdict_is_applied_only_to_the_people_that_were_reviewed(
    linked: Link,
    decide: Callable[..., None],
    records: tuple[str, ...],
    is_same: bool,
    is_applied: bool,
) -> None:
    decide(verdict("d3", records, is_same))
    facts = linked(HOMES, LISTED, PATIENTS).facts
    assert facts["verdicts_not_applied"] == (0 if is_applied else 1)
    assert facts["verdict_links"] + facts["verdict_non_links"] == (1 if is_applied else 0)


def test_a_group_that_is_called_the_same_with_two_dwellings_is_left_to_the_model(
    linked: Link, decide: Callable[..., None]
) -> None:
    twins = [*LISTED, listed("c5", "d2", "Ann Oldroyd")]
    decide(verdict("d1", ("n1",), True), verdict("d2", ("n1",), True))
    result = linked(HOMES, twins, PATIENTS)
    assert result.dwelling_of("n1") == "d1"
    assert result.facts["verdicts_not_applied"] == 2


def test_new_verdicts_make_the_links_anew_and_a_later_one_replaces_an_earlier(
    context: RunContext, decide: Callable[..., None]
) -> None:
    before = fingerprint_settings(context)
    decide(verdict("d1", ("n1",), False), verdict("d2", ("n2",), True))
    between = fingerprint_settings(context)
    decide(verdict("d1", ("n1",), True), kappa=0.5)
    assert len({before["verdicts"], between["verdicts"], fingerprint_settings(context)["verdicts"]}) == 3
    found = read_verdicts(context.workspace, context.recorded)
    assert {row["verdict_id"]: row["is_same"] for row in found.rows.to_pylist()} == {
        "d1 ('n1',)": True,
        "d2 ('n2',)": True,
    }
    assert found.kappa == 0.5


def test_verdicts_that_are_not_those_of_the_log_are_refused(
    context: RunContext, decide: Callable[..., None]
) -> None:
    decide(verdict("d1", ("n1",), False))
    (file,) = context.workspace.zone("linkage").glob("verdict-*/verdict.parquet")
    rows = pq.read_table(file).to_pylist()
    pq.write_table(pa.Table.from_pylist([{**row, "is_same": True} for row in rows], VERDICT), file)
    with pytest.raises(Fault, match="changed after it was written"):
        read_verdicts(context.workspace, context.recorded)
    for path in file.parent.iterdir():
        path.unlink()
    file.parent.rmdir()
    with pytest.raises(Fault) as caught:
        read_verdicts(context.workspace, context.recorded)
    assert caught.value.code == "VERDICTS_CHANGED"
