"""The true pairs that a linkage model is trained on, from a population's hidden tables.

A dwelling's list belongs to the households of the people on it, and an NHS record to the
household of its person. This is wider than two records of one person: a baby born last month
belongs to its parents' household, which is on the council's list.
"""

from pathlib import Path

import pandas as pd


def household_truth(truth: Path, listed: pd.DataFrame) -> pd.DataFrame:
    """Return the distinct true pairs council_record_id, nhs_record_id.

    truth: the truth folder of a generated population. listed: `person_ref` and `property_ref` of the
    council_person extract.
    """
    person = pd.read_parquet(truth / "persons.parquet", columns=["person_id", "household"])
    council = pd.read_parquet(truth / "council_person.parquet", columns=["record_id", "person_id"])
    nhs = pd.read_parquet(truth / "nhs_person.parquet", columns=["record_id", "person_id"])
    dwelling = (
        council.merge(listed.drop_duplicates("person_ref"), left_on="record_id", right_on="person_ref")
        .merge(person, on="person_id")
        .loc[:, ["property_ref", "household"]]
        .drop_duplicates()
    )
    pairs = dwelling.merge(nhs.merge(person, on="person_id"), on="household")
    return (
        pairs[["property_ref", "record_id"]]
        .drop_duplicates()
        .rename(columns={"property_ref": "council_record_id", "record_id": "nhs_record_id"})
        .sort_values(["council_record_id", "nhs_record_id"], ignore_index=True)
    )


def residence_truth(truth: Path) -> pd.DataFrame:
    """Return the true pairs council_record_id, nhs_record_id: the person lives in the dwelling."""
    return pd.read_parquet(truth / "residence_pairs.parquet", columns=["council_record_id", "nhs_record_id"])
