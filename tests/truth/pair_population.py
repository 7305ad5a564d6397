"""The people and homes of the independent pair as they really are, from its clear extracts and its truth."""

from pathlib import Path

import pandas as pd

from tests.truth.measures import Population
from tests.truth.rooms import rooms_needed

PAIR = Path(__file__).resolve().parents[3] / "shared" / "data" / "household_dev"
REFERENCE_DATE = pd.Timestamp("2026-03-31")
_PARTNERS = (
    "Reference person",
    "Opposite-sex spouse",
    "Opposite-sex unmarried partner",
    "Same-sex spouse",
    "Same-sex unmarried partner",
)


def pair_population(folder: Path = PAIR) -> Population:
    """Return everyone who really lives in a household of the pair, with what is recorded of them."""
    truth = folder / "truth"
    homes = pd.read_csv(folder / "council_properties.csv", dtype=str).set_index("council_property_id")
    kinds = pd.read_parquet(truth / "properties.parquet").set_index("council_property_id")
    homes = homes[homes.index.map(kinds["kind"]).isin(["household", "hmo"])]
    people = pd.read_parquet(truth / "persons.parquet").set_index("person_uid")
    people = people.rename(columns={"actual_council_property_id": "home"})
    people = people[people["home"].isin(homes.index)].copy()
    born = pd.to_datetime(people["date_of_birth"])
    had_birthday = (born.dt.month * 100 + born.dt.day) <= REFERENCE_DATE.month * 100 + REFERENCE_DATE.day
    people["age"] = REFERENCE_DATE.year - born.dt.year - (~had_birthday).astype(int)
    people["is_female"] = people["sex"] == "F"
    people["is_couple"] = people["relationship"].isin(_PARTNERS)
    records = pd.read_csv(folder / "nhs_persons.csv", dtype=str).set_index("nhs_person_id")
    records["person_uid"] = pd.read_parquet(truth / "nhs_persons.parquet").set_index("nhs_person_id")[
        "person_uid"
    ]
    health = records.drop_duplicates("person_uid").set_index("person_uid")
    people["is_registered"] = people.index.isin(health.index)
    for name, column in (("conditions", "ltc_count"), ("admissions", "emergency_admissions_12m")):
        people[name] = health[column].astype(float).reindex(people.index).fillna(0)
    homes = homes.loc[sorted(set(people["home"]))]
    standard = rooms_needed(people)
    short = pd.to_numeric(homes["bedrooms"]) < standard.reindex(homes.index)
    support = homes["ctr_claimant"] == "Y"
    rated = homes["epc_rating"].notna()
    return Population(
        people,
        pd.DataFrame(
            {
                "tax_support": support,
                # the pair does not have the rating of a home without a certificate
                "fuel_poor": (support & homes["epc_rating"].isin(["E", "F", "G"])).where(rated),
                "overcrowded": short,
                "rooms_short": short,
            }
        ),
    )
