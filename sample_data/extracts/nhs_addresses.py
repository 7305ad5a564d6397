"""Addresses on the NHS list that are not a dwelling: care of, PO box, no fixed abode, surgery."""

from dataclasses import dataclass

import numpy as np

from sample_data.extracts.nhs_registrations import Registrations
from sample_data.population.draws import Flags, Texts, choose_same
from sample_data.population.reference import word_list
from sample_data.settings import DefectRates

ODD_ADDRESSES = np.array(["care_of", "po_box", "no_fixed_abode", "surgery", ""])
CARE_OF, PO_BOX, NO_FIXED_ABODE, SURGERY = range(4)
_CARERS = np.array(["C/O MRS SMITH", "C/O MR KHAN", "C/O HOSTEL MANAGER", "C/O TAYLOR", "CO ST ANNES HOUSE"])
_NO_ABODE = np.array(["NO FIXED ABODE", "NFA", "NO FIXED ADDRESS"])


@dataclass
class WrittenAddresses:
    """Five lines, postcode and address type of each row. odd: kind of unusual address, empty for most."""

    lines: Texts
    postcode: Texts
    address_type: Texts
    odd: Texts

    def has_no_uprn(self) -> Flags:
        """Return which rows have an address that is not a dwelling."""
        return np.isin(self.odd, ("po_box", "no_fixed_abode", "surgery"))


def write_addresses(
    rng: np.random.Generator, lines: Texts, postcode: Texts, rows: Registrations, rates: DefectRates
) -> WrittenAddresses:
    """Replace a few recorded addresses with odd ones."""
    count = len(lines)
    shares = (rates.care_of, rates.po_box, rates.no_fixed_abode, rates.surgery_address)
    kind = choose_same(rng, (*shares, 1 - sum(shares)), count)
    lines = lines.astype("<U60")
    care = kind == CARE_OF
    lines[care, 1:] = lines[care, :-1]
    lines[care, 0] = _CARERS[rng.integers(len(_CARERS), size=int(care.sum()))]
    boxed = kind == PO_BOX
    _replace(lines, boxed, np.char.add("PO BOX ", rng.integers(1, 400, int(boxed.sum())).astype("<U4")))
    homeless = kind == NO_FIXED_ABODE
    _replace(lines, homeless, _NO_ABODE[rng.integers(len(_NO_ABODE), size=int(homeless.sum()))])
    surgery = kind == SURGERY
    centres = np.char.add(np.array(word_list("places", "medical_centres")), " MEDICAL CENTRE")
    _replace(lines, surgery, centres[rng.integers(len(centres), size=int(surgery.sum()))])
    lines[surgery, 1] = "1 CLINIC ROAD"
    address_type = np.select(
        [
            (rows.status == "temporary_address") | homeless,
            (rows.status == "correspondence_address") | boxed,
        ],
        ["temporary", "correspondence"],
        default="usual",
    )
    return WrittenAddresses(
        lines=lines,
        postcode=np.where(homeless, "ZZ99 3VZ", postcode),
        address_type=address_type,
        odd=ODD_ADDRESSES[kind],
    )


def _replace(lines: Texts, here: Flags, first: Texts) -> None:
    lines[here, 0] = first
    lines[here, 1:] = ""
