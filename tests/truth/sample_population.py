"""The people and homes of the sample as they really are, from its clear extracts and its hidden truth."""

from pathlib import Path

import pandas as pd

from tests.truth.measures import Population
from tests.truth.rooms import rooms_needed

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "sample"
REFERENCE_DATE = pd.Timestamp("2026-03-31")
#: Entries of the register that are not long-term conditions.
NO_LONG_TERM_CONDITION = ("frailty", "obesity", "smoking")
#: Conditions that entitle people under 65 to influenza vaccination.
AT_RISK = ("asthma", "copd", "diabetes", "chd")


def sample_population(folder: Path = SAMPLE) -> Population:
    """Return everyone who really lives in a household of the sample, with what is recorded of them."""
    truth = folder / "truth"
    people = pd.read_parquet(truth / "persons.parquet")
    people = people[people["fate"] == "resident"].rename(columns={"council_record_id": "home"})
    people["is_couple"] = people["relation"].isin(["reference_person", "partner"])
    homes = pd.read_parquet(truth / "properties.parquet").set_index("council_record_id")
    homes = homes[homes["kind"].isin(["household", "hmo"]) & (homes.index != "")]
    people = people[people["home"].isin(homes.index)].set_index("person_id")
    records = pd.read_parquet(truth / "nhs_person.parquet").drop_duplicates("record_id")
    whose = records.set_index("record_id")["person_id"]
    conditions = pd.read_csv(folder / "nhs_condition.csv.gz", sep="\t", dtype=str)
    events = pd.read_csv(folder / "nhs_event.csv.gz", dtype=str)
    for table in (conditions, events):
        table["person_id"] = table["person_record_id"].map(whose)
    lasting = conditions[~conditions["condition"].isin(NO_LONG_TERM_CONDITION)]
    people["conditions"] = lasting.groupby("person_id")["condition"].nunique().reindex(people.index).fillna(0)
    people["is_registered"] = people.index.isin(records["person_id"])
    for name in ("asthma", "copd"):
        people[name] = people.index.isin(conditions[conditions["condition"] == name]["person_id"])
    people["at_risk"] = people.index.isin(conditions[conditions["condition"].isin(AT_RISK)]["person_id"])
    day = pd.to_datetime(events["event_date"], format="%d/%m/%Y", errors="coerce")
    recent = events[(day > REFERENCE_DATE - pd.DateOffset(months=12)) & (day <= REFERENCE_DATE)]
    admitted = recent[recent["event"] == "emergency_admission"]
    breathing = admitted[admitted["icd10"].fillna("").str.startswith("J")]
    people["respiratory_admissions"] = people.index.isin(breathing["person_id"])
    people["vaccinated"] = people.index.isin(recent[recent["event"] == "vaccination_influenza"]["person_id"])
    standard = rooms_needed(people)
    return Population(
        people.rename(columns={"free_meals": "free_school_meals"}),
        pd.DataFrame(
            {
                "tax_support": homes["tax_support"],
                "fuel_poor": homes["fuel_poor"],
                "damp": homes["damp"],
                "imd_decile": homes["imd_decile"],
                "overcrowded": homes["overcrowded"],
                "rooms_short": homes["bedrooms"] < standard.reindex(homes.index),
            }
        ).loc[sorted(set(people["home"]))],
    )
