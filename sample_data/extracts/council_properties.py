"""The council's list of dwellings.

Some new builds are not on the list yet, and some demolished dwellings still are. A re-numbered dwelling
usually has its former UPRN. Converted flats may share the UPRN of their house.
"""

from dataclasses import dataclass

import numpy as np

from sample_data.defects.addresses import Renderings
from sample_data.defects.recording import damaged_uprns, uprn_texts
from sample_data.housing.dwellings import CONVERTED, Dwellings
from sample_data.housing.housing import LANDLORD_LABELS, PROPERTY_TYPES, TENURE_LABELS
from sample_data.population.draws import Flags, Texts, Whole, happens, stream
from sample_data.population.identifiers import record_ids
from sample_data.population.inhabit import InhabitedBlock
from sample_data.settings import SyntheticSettings


@dataclass
class CouncilProperties:
    """The extract's columns, with the dwelling (-1: demolished) of each row and how its UPRN was damaged."""

    table: dict[str, Texts]
    dwelling: Whole
    uprn_error: Texts
    uprn_damage: Texts

    def record_of_dwelling(self, dwellings: int) -> Texts:
        """Return the record id of each dwelling, empty where the council does not list it."""
        result = np.full(dwellings, "", dtype=self.table["record_id"].dtype)
        here = self.dwelling >= 0
        result[self.dwelling[here]] = self.table["record_id"][here]
        return result


def list_properties(
    drawn: InhabitedBlock,
    rendering: Renderings,
    settings: SyntheticSettings,
    seed: int,
    first_record: int,
) -> CouncilProperties:
    """Return the dwelling list, shuffled within the block."""
    block, dwellings, households, housing = drawn.block, drawn.dwellings, drawn.households, drawn.housing
    rng = stream(seed, block.number, "council_property")
    rates = settings.defects
    unlisted = happens(rng, rates.new_build_not_listed, len(dwellings)) & (dwellings.kind != "care_home")
    listed = np.flatnonzero(~unlisted)
    demolished = np.flatnonzero(dwellings.demolished_uprn > 0)
    rows = np.r_[listed, demolished]
    gone = np.arange(len(rows)) >= len(listed)
    order = rng.permutation(len(rows))
    rows, gone = rows[order], gone[order]
    count = len(rows)
    shared = _shared_uprns(rng, dwellings, rates.shared_uprn)
    uprn = np.where(gone, dwellings.demolished_uprn[rows], shared[rows])
    missing = happens(rng, rates.council_uprn_missing, count)
    text, damage = damaged_uprns(rng, np.where(missing, -1, uprn), rates)
    remembered = happens(rng, 0.7, count) & ~gone
    tenure = households.tenure_of_dwelling[rows]
    lived_in = (housing.household_of[rows] >= 0) & ~gone
    unknown = happens(rng, rates.tenure_missing, count) | ~lived_in
    areas = np.array([area.lsoa21 for area in block.areas])
    lines = _lines(rendering, rows, gone)
    table = {
        "record_id": record_ids("CP", first_record, count),
        "uprn": text,
        "parent_uprn": uprn_texts(np.where(happens(rng, 0.95, count), dwellings.parent_uprn[rows], 0)),
        "previous_uprn": uprn_texts(np.where(remembered, dwellings.historic_uprn[rows], 0)),
        **{f"address_line_{n + 1}": lines[:, n] for n in range(lines.shape[1])},
        "postcode": rendering.postcode[rows],
        "lsoa21": np.where(happens(rng, 0.011, count), "", areas[dwellings.area[rows]]),
        "blpu_class": housing.blpu_class[rows],
        "blpu_state": np.where(gone, "4", housing.blpu_state[rows]),
        "property_type": PROPERTY_TYPES[dwellings.dwelling_type[rows]],
        "council_tax_band": housing.band[rows],
        "council_tax_exemption": np.where(gone, "", housing.exemption[rows]),
        "single_person_discount": yes_no(housing.single_person_discount[rows] & ~gone),
        "council_tax_support": yes_no(housing.tax_support[rows] & ~gone),
        "tenure": np.where(unknown, "", TENURE_LABELS[tenure]),
        "landlord": np.where(unknown, "", LANDLORD_LABELS[tenure]),
        "bedrooms": housing.bedrooms[rows].astype("<U3"),
        "epc_rating": np.where(happens(rng, rates.epc_missing, count), "", housing.epc[rows]),
        "is_hmo": yes_no(housing.is_hmo[rows] & ~gone),
        "damp_report": yes_no(housing.damp[rows] & ~gone),
        "arrears": yes_no(housing.arrears[rows] & ~gone),
        "is_empty": yes_no((~lived_in & happens(rng, 0.92, count)) | gone),
    }
    error = np.select(
        [missing, gone, shared[rows] != dwellings.uprn[rows]], ["missing", "demolished", "shared"], default=""
    )
    return CouncilProperties(table, np.where(gone, -1, rows), error, damage)


def yes_no(flags: Flags) -> Texts:
    """Return Y or N."""
    return np.where(flags, "Y", "N")


def _lines(rendering: Renderings, rows: Whole, gone: Flags) -> Texts:
    """Return the recorded addresses; that of a demolished dwelling begins with SITE OF."""
    lines = rendering.lines[rows].copy()
    former = np.char.add("SITE OF ", lines[gone, 0])
    lines[gone, 0] = former
    return lines


def _shared_uprns(rng: np.random.Generator, dwellings: Dwellings, share: float) -> Whole:
    """Return UPRNs as in the gazetteer: some converted houses have a single UPRN for all their flats."""
    converted = dwellings.is_flat & (dwellings.dwelling_type >= CONVERTED)
    slots = np.unique(dwellings.slot[converted])
    sizes = np.bincount(dwellings.slot, minlength=int(dwellings.slot.max(initial=0)) + 1)
    picked = rng.permutation(slots)
    picked = picked[np.cumsum(sizes[picked]) <= share * len(dwellings)]
    first = np.full(len(sizes), np.iinfo(np.int64).max)
    np.minimum.at(first, dwellings.slot, dwellings.uprn)
    return np.where(np.isin(dwellings.slot, picked), first[dwellings.slot], dwellings.uprn)
