"""The independent pair with worse extracts: how well households, residents and movers are still found.

Each variant takes something from the extracts or puts an error in, with a fixed seed. The pair and the tool
that scores it are next to the checkout; without them there is nothing to measure.
"""

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from flows.actions.benchmark import Figure
from pipeline.link.evaluate import evaluate_links

ROOT = Path(__file__).resolve().parents[2]
# `hearth bench` loads a benchmark by its path, so the folder of tests is not on the import path
sys.path.insert(0, str(ROOT / "tests" / "acceptance"))

from unkeyed_pair import PAIR, SHARED, linked_pair  # noqa: E402

Extracts = dict[str, pd.DataFrame]
_SEED = 16
_FILES = ("council_properties", "council_persons", "nhs_persons")


def _nhs_uprn_missing(share: float) -> Callable[[Extracts], None]:
    def change(extracts: Extracts) -> None:
        groups = extracts["nhs_persons"]["nhs_household_id"]
        chosen = pd.Series(groups.unique()).sample(frac=share, random_state=_SEED)
        extracts["nhs_persons"].loc[groups.isin(chosen), "uprn"] = ""

    return change


def _neighbours_uprn(extracts: Extracts) -> None:
    """Give 15% of address groups the UPRN of the next dwelling of their postcode."""
    homes = extracts["council_properties"].sort_values(["postcode", "uprn"])
    following = dict(zip(homes["uprn"], np.roll(homes["uprn"], -1), strict=True))
    nhs = extracts["nhs_persons"]
    chosen = pd.Series(nhs["nhs_household_id"].unique()).sample(frac=0.15, random_state=_SEED)
    wrong = nhs["nhs_household_id"].isin(chosen) & nhs["uprn"].isin(list(following))
    nhs.loc[wrong, "uprn"] = nhs.loc[wrong, "uprn"].map(following)


def _initials(extracts: Extracts) -> None:
    people = extracts["council_persons"]
    people["forename"] = people["forename"].str[:1]


def _no_births(extracts: Extracts) -> None:
    extracts["council_persons"]["date_of_birth"] = ""


def _tax_only(extracts: Extracts) -> None:
    people = extracts["council_persons"]
    extracts["council_persons"] = people[people["source"] == "council_tax"]


def _no_people(extracts: Extracts) -> None:
    extracts["council_persons"] = extracts["council_persons"].head(0)


VARIANTS: dict[str, Callable[[Extracts], None]] = {
    "as it is": lambda extracts: None,
    "NHS UPRN missing 40%": _nhs_uprn_missing(0.4),
    "NHS UPRN missing 100%": _nhs_uprn_missing(1.0),
    "council forenames as initials": _initials,
    "no council birth dates": _no_births,
    "council tax list only": _tax_only,
    "no council people": _no_people,
    "a wrong neighbour's UPRN 15%": _neighbours_uprn,
}


def measure(households: int, folder: Path) -> list[Figure]:
    """Link each variant on unkeyed tokens and score it; `households` has no effect."""
    if not PAIR.is_dir():
        return []
    figures = []
    for number, (name, change) in enumerate(VARIANTS.items()):
        place = folder / str(number)
        pair = _written(change, place)
        links = _links(pair, place)
        for label, values in _scores(pair, links).items():
            figures.append(Figure(f"{name}: precision, {label}", values[0], "", f"recall {values[1]:.4f}"))
        if number == 0:
            figures += _gaps(pair, links)
    return figures


def _written(change: Callable[[Extracts], None], folder: Path) -> Path:
    """Write the changed extracts into a folder, with the truth of the pair."""
    pair = folder / "pair"
    pair.mkdir(parents=True)
    extracts = {name: pd.read_csv(PAIR / f"{name}.csv", dtype=str, keep_default_na=False) for name in _FILES}
    change(extracts)
    for name, table in extracts.items():
        table.to_csv(pair / f"{name}.csv", index=False)
    shutil.copytree(PAIR / "truth", pair / "truth")
    return pair


def _links(pair: Path, folder: Path) -> pd.DataFrame:
    """Return the links of the records: council_record_id, nhs_record_id and address_group."""
    tables = folder / "tables"
    tables.mkdir()
    with linked_pair(tables, pair) as table:
        links = table("resident_link").to_pandas()
    links = links.rename(
        columns={"dwelling_record_pseudonym": "council_record_id", "nhs_record_pseudonym": "nhs_record_id"}
    )
    return links[links["council_record_id"].notna()]


def _scores(pair: Path, links: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return precision and recall of households, flats, groups without a UPRN, residents and movers."""
    scored = _scorer().score(pair, links[["council_record_id", "nhs_record_id"]])
    names = {
        "households": "H_household",
        "flats": "H_flats",
        "no UPRN": "H_nhs_uprn_missing",
        "residents": "R_residence",
    }
    found = {label: (scored[name]["precision"], scored[name]["recall"]) for label, name in names.items()}
    return found | {"movers": _movers(pair, links)}


def _movers(pair: Path, links: pd.DataFrame) -> tuple[float, float]:
    """Return the share of moves that are right, and of people who moved who are found."""
    truth = pd.read_parquet(pair / "truth" / "nhs_persons.parquet").set_index("nhs_person_id")
    home = truth["actual_council_property_id"]
    at = links.set_index("nhs_record_id")["council_record_id"]
    moved = links[links["address_group"].str.endswith("-moved")]
    right = (moved["nhs_record_id"].map(home) == moved["council_record_id"]).mean() if len(moved) else 0.0
    movers = truth[
        (home != "") & (home != truth["recorded_council_property_id"]) & (truth["status"] != "care_home")
    ]
    found = (pd.Series(movers.index, index=movers.index).map(at) == home[movers.index]).mean()
    return float(right), float(found)


def _gaps(pair: Path, links: pd.DataFrame) -> list[Figure]:
    """Return the recall of residents by group of people, with its interval."""
    truth = pd.read_parquet(pair / "truth" / "nhs_persons.parquet").set_index("nhs_person_id")
    truth = truth[(truth["actual_council_property_id"] != "") & (truth["status"] != "care_home")]
    nhs = pd.read_csv(pair / "nhs_persons.csv", dtype=str, keep_default_na=False).set_index("nhs_person_id")
    nhs = nhs.loc[truth.index]
    homes = pd.read_csv(pair / "council_properties.csv", dtype=str, keep_default_na=False)
    home = homes.set_index("council_property_id").reindex(truth["actual_council_property_id"])
    ages = 2026 - nhs["date_of_birth"].str[:4].astype(int)
    attributes = pd.DataFrame(
        {
            "nhs_record_id": truth.index,
            "age": (ages // 10 * 10).clip(upper=80).astype(str).str.zfill(2).to_numpy(),
            "ethnic_group": nhs["ethnic_category"].str[:1].replace("", "unknown").to_numpy(),
            "hmo": home["is_hmo"].to_numpy(),
            "moved": (truth["actual_council_property_id"] != truth["recorded_council_property_id"])
            .map({True: "yes", False: "no"})
            .to_numpy(),
            "tenure": home["tenure"].replace("", "unknown").to_numpy(),
            "uprn": np.where(nhs["uprn"] == "", "none", "recorded"),
        }
    )
    residence = pd.DataFrame(
        {"council_record_id": truth["actual_council_property_id"], "nhs_record_id": truth.index}
    )
    with duckdb.connect() as connection:
        for name, table in (("links", links), ("residence", residence), ("attributes", attributes)):
            connection.register(name, table)
        evaluation = evaluate_links(
            connection, "links", "links", residence="residence", attributes="attributes"
        )
    return [
        Figure(
            f"recall of residents, {gap.attribute} {gap.category}",
            gap.recall.value or 0.0,
            "",
            f"{gap.recall.interval} of {gap.recall.trials:,}; gap {gap.gap:+.4f}",
        )
        for gap in evaluation.gaps
    ]


def _scorer() -> Any:
    spec = importlib.util.spec_from_file_location("scorer", SHARED / "tools" / "score_household_links.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
