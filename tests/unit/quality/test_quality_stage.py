"""The quality stage on a few links: what it counts, whom it finds without a reason, what it keeps."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance.artefact import Artefact, Evidence
from governance.clearance import _MINT, Clearance, Cleared
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.link.model import default_model
from pipeline.quality.counting import TruePairs
from pipeline.quality.precision_interval import interval
from pipeline.quality.stage import quality
from schemas.contract import load_contract

Rows = list[dict[str, Any]]
_TEXT, _WHOLE, _REAL = pa.string(), pa.int64(), pa.float64()

#: Table -> its columns; those that a test leaves out are null.
TABLES: dict[str, dict[str, pa.DataType]] = {
    "nhs_resident": {
        **dict.fromkeys(("record_pseudonym", "sex", "ethnic_category", "practice_code"), _TEXT),
        **dict.fromkeys(("uprn_pseudonym", "person_name_birth", "address_group_pseudonym"), _TEXT),
        "age_years": _WHOLE,
        "address_type": _TEXT,
        "address_start": pa.date32(),
        "address_end": pa.date32(),
        "is_deceased": pa.bool_(),
        "address_unit_postcode": pa.list_(_TEXT),
    },
    "dwelling": {
        **dict.fromkeys(("record_pseudonym", "uprn_pseudonym", "parent_uprn_pseudonym"), _TEXT),
        **dict.fromkeys(("tenure", "property_type", "lsoa21"), _TEXT),
        "address_unit_postcode": pa.list_(_TEXT),
    },
    "area": {"lsoa21": _TEXT, "imd_decile": _WHOLE},
    "resident_link": {
        **dict.fromkeys(
            ("nhs_record_pseudonym", "address_group", "dwelling_record_pseudonym", "reason"), _TEXT
        ),
        "match_probability": _REAL,
        "residence_match_weight": _REAL,
    },
    "unlinked_dwelling": {"dwelling_record_pseudonym": _TEXT, "reason": _TEXT},
    "address_group": {"address_group": _TEXT, "nhs_records": _WHOLE},
    "decision": {
        **dict.fromkeys(("address_group", "dwelling_record_pseudonym", "match_key", "place"), _TEXT),
        **dict.fromkeys(("people", "reason"), _TEXT),
        **dict.fromkeys(("match_weight", "match_probability", "margin_match_weight"), _REAL),
        "evidence_bits": pa.int32(),
        "contradicted": pa.bool_(),
    },
    "link": {
        **dict.fromkeys(("address_group", "dwelling_record_pseudonym", "match_key", "level"), _TEXT),
        "second_dwelling_record_pseudonym": _TEXT,
        **dict.fromkeys(("match_weight", "match_probability", "margin_match_weight"), _REAL),
        "evidence_bits": pa.int32(),
    },
}
PARTS = {"nhs": ("nhs_resident",), "council": ("dwelling", "area")}

#: Three people of two groups: two live at d1, one has left d2.
SMALL: dict[str, Rows] = {
    "nhs_resident": [
        {"record_pseudonym": "n1", "address_group_pseudonym": "g1", "ethnic_category": "A", "age_years": 40},
        {"record_pseudonym": "n2", "address_group_pseudonym": "g1", "ethnic_category": "H", "age_years": 9},
        {"record_pseudonym": "n3", "address_group_pseudonym": "g2", "ethnic_category": "H", "age_years": 70},
    ],
    "dwelling": [
        {"record_pseudonym": "d1", "tenure": "mortgage", "lsoa21": "E1"},
        {"record_pseudonym": "d2", "tenure": "private_rented", "lsoa21": "E1"},
    ],
    "area": [{"lsoa21": "E1", "imd_decile": 3}],
    "resident_link": [
        {
            "nhs_record_pseudonym": f"n{n}",
            "address_group": "aa",
            "dwelling_record_pseudonym": "d1",
            "reason": "linked",
            "match_probability": 0.9,
        }
        for n in (1, 2)
    ]
    + [
        {
            "nhs_record_pseudonym": "n3",
            "address_group": "bb",
            "reason": "below_threshold",
            "match_probability": 0.1,
        }
    ],
    "unlinked_dwelling": [{"dwelling_record_pseudonym": "d2", "reason": "below_threshold"}],
    "address_group": [{"address_group": "aa", "nhs_records": 2}, {"address_group": "bb", "nhs_records": 1}],
    "decision": [
        {
            "address_group": group,
            "dwelling_record_pseudonym": dwelling,
            "match_key": "uprn",
            "place": "uprn_and_address",
            "people": people,
            "reason": reason,
            "match_weight": weight,
            "match_probability": probability,
            "evidence_bits": 9,
            "contradicted": False,
        }
        for group, dwelling, people, reason, weight, probability in (
            ("aa", "d1", "name", "linked", 3.2, 0.9),
            ("bb", "d2", "nobody", "below_threshold", -3.2, 0.1),
        )
    ],
    "link": [
        {
            "address_group": "aa",
            "dwelling_record_pseudonym": "d1",
            "match_key": "uprn",
            "level": "exact",
            "match_weight": 3.2,
            "match_probability": 0.9,
            "evidence_bits": 9,
        }
    ],
}
Made = tuple[Artefact, Evidence]


@pytest.fixture
def made(context: RunContext) -> Callable[..., Made]:
    """Run the stage on SMALL, with some tables changed."""

    def run(truth: TruePairs | None = None, **changed: Rows) -> Made:
        tables = SMALL | changed
        parts = PARTS | {"link": tuple(t for t in TABLES if t not in ("nhs_resident", "dwelling", "area"))}
        council, nhs, linked = (
            _cleared(context, part, {name: tables[name] for name in parts[part]})
            for part in ("council", "nhs", "link")
        )
        return quality(linked, council, nhs, "a" * 64, context, truth)

    return run


def _cleared(context: RunContext, part: str, tables: dict[str, Rows]) -> Cleared:
    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        for name, rows in tables.items():
            columns = TABLES[name]
            full = [dict.fromkeys(columns) | row for row in rows]
            pq.write_table(
                pa.Table.from_pylist(full, pa.schema(list(columns.items()))), folder / f"{name}.parquet"
            )
        return {f"{name}.parquet": len(rows) for name, rows in tables.items()}, Evidence("test", part)

    artefact, _ = write_artefact(context.workspace.zone("linkage"), "test", part, "f" * 64, fill)
    return Cleared(artefact, Clearance("run-1", artefact.stage, artefact.digest, 1, ("TEST",), _MINT))


def counts(made: Made, unit: str, attribute: str) -> dict[str, tuple[int, int]]:
    rows = pq.read_table(made[0].path("quality_count")).to_pylist()
    return {
        row["category"]: (row["units"], row["linked"])
        for row in rows
        if (row["unit"], row["attribute"]) == (unit, attribute)
    }


def pairs(*rows: tuple[str, str]) -> pa.Table:
    names = ("nhs_record_pseudonym", "dwelling_record_pseudonym")
    return pa.table({name: pa.array([row[n] for row in rows], _TEXT) for n, name in enumerate(names)})


def test_each_unit_is_counted_by_its_groups_and_reasons(made: Callable[..., Made]) -> None:
    found = made()
    assert counts(found, "nhs_record", "all") == {"all": (3, 2)}
    assert counts(found, "nhs_record", "ethnic_group") == {"white": (1, 1), "asian": (2, 1)}
    assert counts(found, "nhs_record", "reason") == {"below_threshold": (1, 0), "linked": (2, 2)}
    assert counts(found, "dwelling", "tenure") == {"mortgage": (1, 1), "private_rented": (1, 0)}
    assert counts(found, "dwelling", "imd_decile") == {"3": (2, 1)}
    assert counts(found, "nhs_record", "compared") == {"people": (2, 2), "place": (2, 2)}
    assert counts(found, "nhs_record", "supplied")["UPRN"] == (3, 0)


def test_every_table_is_as_its_contract_says(made: Callable[..., Made]) -> None:
    artefact, _ = made()
    for table in ("quality_count", "match_weight", "review_case"):
        contract = load_contract("linked", table)
        written = pq.read_table(artefact.path(table))
        assert tuple(written.column_names) == contract.names
        for column in contract.columns:
            assert not column.required or written.column(column.name).null_count == 0, column.name


def test_the_review_sample_bears_no_pseudonym_and_knows_its_stratum(made: Callable[..., Made]) -> None:
    rows = pq.read_table(made()[0].path("review_case")).to_pylist()
    # of a group with as many white as Asian members the first by name counts
    assert [(row["band"], row["stratum_group"], row["reason"]) for row in rows] == [
        (2, "asian", "below_threshold"),
        (5, "asian", "linked"),
    ]
    assert not {"aa", "bb", "d1", "d2"} & {value for row in rows for value in row.values()}


def test_a_sound_linkage_leaves_nothing_unexplained(made: Callable[..., Made]) -> None:
    facts = made()[1].facts
    assert [facts[n] for n in ("unexplained_records", "unexplained_dwellings", "incomplete_links")] == [
        0,
        0,
        0,
    ]
    assert facts["true_pairs"] is None


@pytest.mark.parametrize(
    ("table", "rows", "fact"),
    [
        ("resident_link", SMALL["resident_link"][:2], "unexplained_records"),
        ("unlinked_dwelling", [], "unexplained_dwellings"),
        ("link", [SMALL["link"][0] | {"level": None}], "incomplete_links"),
        ("link", [SMALL["link"][0] | {"second_dwelling_record_pseudonym": "d2"}], "incomplete_links"),
    ],
)
def test_what_has_neither_link_nor_reason_is_counted(
    made: Callable[..., Made], table: str, rows: Rows, fact: str
) -> None:
    assert made(**{table: rows})[1].facts[fact] == 1


def test_links_are_held_against_each_units_own_truth(made: Callable[..., Made]) -> None:
    """n2 lives elsewhere; the groups of both share a person with their dwelling."""
    truth = TruePairs(pairs(("n1", "d1"), ("n2", "d2")), pairs(("n1", "d1"), ("n2", "d1"), ("n3", "d2")), "0")
    found = made(truth)
    rows = {
        (row["unit"], row["attribute"], row["category"]): row
        for row in pq.read_table(found[0].path("quality_count")).to_pylist()
    }
    record, household = rows["nhs_record", "all", "all"], rows["household", "all", "all"]
    assert (record["links"], record["right_links"], record["true_pairs"]) == (2, 1, 2)
    assert (household["links"], household["right_links"], household["true_pairs"]) == (1, 1, 2)
    rented = rows["dwelling", "tenure", "private_rented"]
    assert (rented["links"], rented["true_pairs"]) == (0, 1)
    assert found[1].facts["true_pairs"] == 5


def test_the_precision_is_shown_as_measured_for_each_unit_and_as_estimated(made: Callable[..., Made]) -> None:
    """Both links have probability 0.9; no one judged whether the people live there."""
    truth = TruePairs(pairs(("n1", "d1"), ("n2", "d2")), pairs(("n1", "d1"), ("n2", "d1"), ("n3", "d2")), "0")
    shown = made(truth)[1].facts
    assert shown["measured"] == [
        {"unit": "records", "right": 1, "links": 2},
        {"unit": "households", "right": 1, "links": 1},
    ]
    assert shown["model_digest"] == default_model().digest
    assert (shown["people_compared"], shown["estimated_precision"]) == (2, 0.9)
    assert shown["estimated_precision_low"] == pytest.approx(interval(0.9, "residence")[0], abs=1e-6)


@pytest.mark.parametrize(
    "not_current",
    [{"address_end": date(2025, 1, 1)}, {"address_type": "temporary"}, {"is_deceased": True}],
    ids=["ended", "not usual", "dead"],
)
def test_the_estimate_is_for_current_registrations_that_live_there(
    not_current: dict[str, Any], made: Callable[..., Made]
) -> None:
    """n1 has residence odds of 2^2 to 1, so 0.9 x 0.8; n2 does not count."""
    links = [SMALL["resident_link"][0] | {"residence_match_weight": 2.0}, *SMALL["resident_link"][1:]]
    people = [SMALL["nhs_resident"][0], SMALL["nhs_resident"][1] | not_current, SMALL["nhs_resident"][2]]
    shown = made(resident_link=links, nhs_resident=people)[1].facts
    assert shown["estimated_precision"] == pytest.approx(0.72)
    both = made(resident_link=links)[1].facts
    assert both["estimated_precision"] == pytest.approx((0.72 + 0.9) / 2)


def test_without_true_pairs_nothing_is_measured_and_without_links_nothing_is_estimated(
    made: Callable[..., Made],
) -> None:
    assert made()[1].facts["measured"] == []
    unlinked = [SMALL["resident_link"][2] | {"nhs_record_pseudonym": f"n{n}"} for n in (1, 2, 3)]
    shown = made(resident_link=unlinked, link=[])[1].facts
    assert (shown["estimated_precision"], shown["estimated_precision_low"]) == (None, None)


def test_a_member_who_probably_left_is_no_missed_link(made: Callable[..., Made]) -> None:
    """n3 has residence odds of 1 to 2^3, so 0.1 / 9 of a true pair is missed and not 0.1."""
    links = [*SMALL["resident_link"][:2], SMALL["resident_link"][2] | {"residence_match_weight": -3.0}]
    rows = pq.read_table(made(resident_link=links)[0].path("quality_count")).to_pylist()
    (missed,) = [
        row["missed_probability"] for row in rows if (row["unit"], row["attribute"]) == ("nhs_record", "all")
    ]
    assert missed == pytest.approx(0.1 / 9)
