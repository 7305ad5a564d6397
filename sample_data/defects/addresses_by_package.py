"""Address errors by the `address-errors` package itself, dwelling by dwelling.

The package has an error model learned from six councils' UPRN-labelled lists. It is run on every
address of the committed sample, and on the sample from which the set-based recorder learns.
"""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from address_errors import Controls, Corruptor, Noise, Profile
from address_errors.context import COLUMNS, add_context
from address_errors.pipeline.reference import derive_columns

from sample_data.defects.addresses import Renderings, into_lines
from sample_data.housing.dwellings import Dwellings

_LEADING_NUMBER = re.compile(r"(^|, )(\d+[A-Za-z]?(?:-\d+[A-Za-z]?)?), ")


@dataclass(frozen=True)
class PackageRecorder:
    """One recording system: its style in the profile, its error rate and its letter case."""

    style: str
    prevalence: float = 1.0
    typing_noise: float = 0.0
    source: str = "council"
    case: str | None = None

    def record(self, dwellings: Dwellings, seed: int) -> Renderings:
        """Record every dwelling once, in the order of `dwellings`."""
        corruptor = Corruptor(
            _profile(),
            style=self.style,
            seed=f"{seed}|{self.source}|{self.style}",
            source_id=f"{self.source}|{self.style}",
            controls=Controls(
                prevalence=self.prevalence,
                commas=True,
                case=self.case,
                postcode="with_errors",
                sy1_cap=0,
                noise=Noise(rate=self.typing_noise),
            ),
        )
        corruptor.index(components(dwellings))
        rows = corruptor.generate([str(number) for number in range(len(dwellings))])
        texts = np.array([_LEADING_NUMBER.sub(r"\1\2 ", row["recorded_address"]) for row in rows])
        return Renderings(
            lines=into_lines(texts),
            postcode=np.array([row["recorded_postcode"] for row in rows], dtype="<U12"),
            edits=np.array(["|".join(edits_of(row)) for row in rows]),
            drawn_from=np.array([int(row["source_uprn"]) for row in rows], dtype=np.int64),
        )


def edits_of(row: dict[str, str]) -> list[str]:
    """Return every error of one output row of the package, by the package's mechanism names."""
    edits = row["applied_rules"].split("|") if row["applied_rules"] else []
    if row["label_drift_relation"]:
        edits.append("LB:" + row["label_drift_relation"])
    if row["postcode_edit"]:
        edits.append(row["postcode_edit"])
    if row["noise_ops"]:
        edits += row["noise_ops"].split("|")
    return edits


def components(dwellings: Dwellings) -> list[dict[str, str]]:
    """Return the package's component records; the id is the dwelling's position, the parent its building."""
    parents = np.where(dwellings.is_flat, np.char.add("B", dwellings.slot.astype(str)), "")
    rows = []
    for index, values in enumerate(
        zip(
            dwellings.sub_name,
            dwellings.building,
            dwellings.number,
            dwellings.street_name,
            dwellings.locality,
            dwellings.town,
            dwellings.postcode,
            parents,
            dwellings.street,
            strict=True,
        )
    ):
        sub, name, number, street, locality, town, postcode, parent, road = (str(value) for value in values)
        row = dict.fromkeys(COLUMNS, "")
        row.update(
            uprn=str(index),
            feature_type="builtaddress",
            classificationcode="RD06" if parent else "RD",
            subname=sub,
            name=name,
            number=number,
            streetname=street,
            locality=locality,
            townname=town,
            postcode=postcode,
            parentuprn=parent,
            rootuprn=parent or str(index),
            usrn=f"S{road}",
            rm_posttown=town,
        )
        rows.append(row)
    derive_columns(rows)
    add_context(rows)
    return rows


@cache
def _profile() -> Profile:
    return Profile.load()
