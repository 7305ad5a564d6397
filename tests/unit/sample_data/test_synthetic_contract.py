"""The extracts are what the contracts ask for: their columns, their codes, all their optional columns."""

import re

import numpy as np
import pytest

from sample_data.settings import DIALECTS
from schemas.code_list import load_code_list
from schemas.contract import load_contract

#: Columns of the contracts that the invented suppliers do not send.
NOT_SENT = {"council_property": set(), "council_person": set(), "nhs_person": {"title"}}


@pytest.mark.parametrize("table", sorted(DIALECTS))
def test_every_column_is_the_contracts_and_none_is_left_out_in_silence(table, written):
    names = set(load_contract("extract", table).names) - {"line_number"}
    sent = set(written.extract(table))
    assert sent <= names
    assert names - sent == NOT_SENT.get(table, set())


@pytest.mark.parametrize("table", sorted(DIALECTS))
def test_every_code_is_known_to_its_code_list_and_every_column_carries_something(table, written):
    contract, extract = load_contract("extract", table), written.extract(table)
    for name, values in extract.items():
        column = contract.find(name)
        assert column is not None
        given = np.unique(values[values != ""]).tolist()
        assert given, name
        if column.code_list is not None:
            codes = load_code_list(column.code_list)
            assert [text for text in given if codes.canonical(text) is None] == [], name
        if column.pattern is not None:
            assert all(re.search(column.pattern, text) for text in given), name


def test_every_common_condition_and_event_occurs(written):
    conditions = set(written.extract("nhs_condition")["condition"].tolist())
    events = set(written.extract("nhs_event")["event"].tolist())
    assert {"asthma", "copd", "diabetes", "hypertension", "depression", "dementia", "frailty"} <= conditions
    assert events == {
        "emergency_admission",
        "ae_attendance",
        "vaccination_influenza",
        "drug_alcohol_treatment",
        "fall",
    }


def test_admissions_have_a_diagnosis_and_an_emergency_method_and_other_events_do_not(written):
    events = written.extract("nhs_event")
    admitted = events["event"] == "emergency_admission"
    methods = load_code_list("admission_method").groups()
    assert {methods[code] for code in np.unique(events["admission_method"][admitted]).tolist()} == {
        "emergency"
    }
    assert (events["icd10"][admitted] != "").all()
    assert (events["admission_method"][~admitted] == "").all()
    assert set(events["icd10"][~admitted].tolist()) <= {"", "W19"}


def test_the_counts_beside_a_patient_are_those_of_the_event_table(written):
    patients, events = written.extract("nhs_person"), written.extract("nhs_event")
    days = np.array([f"{d[6:]}-{d[3:5]}-{d[:2]}" for d in events["event_date"].tolist()])
    in_year = (events["event"] == "emergency_admission") & (days >= "2025-03-31")
    counted: dict[str, int] = {}
    for record in events["person_record_id"][in_year].tolist():
        counted[record] = counted.get(record, 0) + 1
    ids, repeats = np.unique(patients["record_id"], return_counts=True)
    doubtful = set(ids[repeats > 1].tolist())
    given = dict(zip(patients["record_id"].tolist(), patients["emergency_admissions"].tolist(), strict=True))
    assert all(int(given[record]) == count for record, count in counted.items() if record not in doubtful)
