"""The copies of the extracts hold a canary each, and nothing that is counted knows of it."""

from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.leakage.canary import canary_of

from .conftest import Bench

SEED = "f" * 64
EXTRACTS = {
    "council": {
        "council_property": "record_id,uprn\nP1,100023336956\nP2,\n",
        "council_person": "record_id,surname\nC1,Smith\n",
    },
    "nhs": {
        "nhs_person": "record_id,nhs_number\nN1,9990000018\n",
        "nhs_condition": "record_id,person_record_id,condition\nD1,N1,asthma\n",
        "nhs_event": "record_id,person_record_id,event\nE1,N1,ae_attendance\n",
    },
}


@pytest.mark.parametrize("controller", EXTRACTS)
def test_every_copy_with_identifiers_holds_the_canary_after_the_rows_of_the_extract(
    bench: Bench, controller: str
) -> None:
    for table, content in EXTRACTS[controller].items():
        bench.put(table, content)
    planted = canary_of(controller, SEED).rows()
    assert set(planted) == set(EXTRACTS[controller])
    folder = bench.ingest(next(iter(planted)), controller).folder
    for table, expected in planted.items():
        rows: list[dict[str, Any]] = pq.read_table(folder / f"{table}.parquet").to_pylist()
        own = EXTRACTS[controller][table].count("\n") - 1
        assert [row["line_number"] for row in rows] == [*range(2, own + 2), *[None] * len(expected)]
        assert [{k: v for k, v in row.items() if v is not None} for row in rows[own:]] == expected


def test_the_canary_is_in_no_count_and_not_in_quarantine(bench: Bench) -> None:
    bench.put("council_property", "record_id,uprn\nP1,100023336956\nP2,12 345\nP2,9\n")
    ingested = bench.ingest("council_property")
    canary = canary_of("council", SEED)
    facts = ingested.facts
    assert (facts["rows_in"], facts["rows_kept"], facts["rows_quarantined"]) == (3, 1, 2)
    assert facts["filled"]["uprn"] == facts["validity"]["uprn"]["valid"] == 1
    assert not any(value in repr((facts, ingested.quarantine)) for value in canary.identifiers.values())
    assert [row["record_id"] for row in ingested.kept] == ["P1"]
