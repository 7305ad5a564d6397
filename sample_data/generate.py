"""`synthesise`: an invented council and NHS population with its extracts and its hidden truth.

Blocks of whole LSOAs are generated one after another, each from its own random streams, and appended to
the files. Memory depends on the size of a block and not on the number of households.
"""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sample_data.defects.addresses import AddressRecorder
from sample_data.defects.addresses_by_package import PackageRecorder
from sample_data.defects.addresses_by_pattern import PatternRecorder
from sample_data.defects.recording import date_texts
from sample_data.extracts.address_list import address_list
from sample_data.extracts.council_people import list_people
from sample_data.extracts.council_properties import list_properties, yes_no
from sample_data.extracts.nhs_patients import NhsPatients, list_patients
from sample_data.extracts.project_file import hearth_toml
from sample_data.extracts.tables import ExtractWriter, TruthWriter, write_manifest
from sample_data.health.health import Health
from sample_data.health.planted import planted_effects
from sample_data.housing.dwellings import UPRN_STEP
from sample_data.population.draws import Texts
from sample_data.population.geography import Block, blocks
from sample_data.population.identifiers import record_ids
from sample_data.population.inhabit import inhabit
from sample_data.settings import ADDRESS_LIST, DIALECTS, SyntheticSettings
from sample_data.truth import truth

#: Invented UPRNs start here: twelve digits, in a range that gazetteers do not use.
FIRST_UPRN = 990_900_000_000
TRUTH_TABLES = (
    "properties",
    "persons",
    "council_person",
    "nhs_person",
    "household_pairs",
    "residence_pairs",
    "mover",
)
#: From this many households on, "auto" draws address errors from learned patterns.
PATTERNS_FROM_HOUSEHOLDS = 25_000


@dataclass
class _Counters:
    """Rows written so far; the ids of the next block continue from here."""

    properties: int = 0
    people: int = 0
    patients: int = 0
    persons: int = 0
    households: int = 0
    numbers: int = 0
    conditions: int = 0
    events: int = 0
    uprn: int = FIRST_UPRN


@dataclass(frozen=True)
class _Recorders:
    """How each side writes addresses: one recorder for the council, one for each NHS style."""

    council: AddressRecorder
    nhs: tuple[AddressRecorder, ...]


@dataclass(frozen=True)
class _Outputs:
    """The open files of one population. extracts, truths: by table name."""

    extracts: dict[str, ExtractWriter]
    truths: dict[str, TruthWriter]
    addresses: ExtractWriter


def synthesise(
    households: int, seed: int, out: Path, settings: SyntheticSettings | None = None
) -> dict[str, int]:
    """Write extracts, address list, `truth/` and `hearth.toml` of `households` invented households.

    Returns rows by extract. The same households, seed and settings give the same bytes. Raises
    ValueError when `households` is not above zero or is more than the geography allows.
    """
    settings = settings or SyntheticSettings()
    if households < 1:
        raise ValueError("households must be above zero")
    out.mkdir(parents=True, exist_ok=True)
    (out / "truth").mkdir(exist_ok=True)
    recorders = _recorders(households, settings)
    counters = _Counters()
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(ExtractWriter(out, dialect, settings.file_format))
            for name, dialect in DIALECTS.items()
        }
        truths = {name: stack.enter_context(TruthWriter(out / "truth", name)) for name in TRUTH_TABLES}
        addresses = stack.enter_context(ExtractWriter(out, ADDRESS_LIST, settings.file_format))
        outputs = _Outputs(writers, truths, addresses)
        for block in blocks(households, seed, settings.msoas, settings.households_per_block):
            _write_block(block, seed, settings, recorders, counters, outputs)
    if settings.manifests:
        for writer in writers.values():
            write_manifest(writer.path, writer.rows, settings.reference_date)
    planted = json.dumps(planted_effects(settings, households, seed), indent=2, sort_keys=True)
    (out / "truth" / "planted_effects.json").write_text(planted + "\n", encoding="utf-8")
    (out / "hearth.toml").write_text(hearth_toml(settings), encoding="utf-8")
    return {name: writer.rows for name, writer in writers.items()}


def _recorders(households: int, settings: SyntheticSettings) -> _Recorders:
    council = PackageRecorder(settings.council_style, settings.council_prevalence, case="title")
    nhs = tuple(
        PackageRecorder(style, settings.nhs_prevalence, settings.nhs_typing_noise, f"nhs{n}")
        for n, style in enumerate(settings.nhs_styles)
    )
    from_patterns = settings.address_model == "patterns" or (
        settings.address_model == "auto" and households >= PATTERNS_FROM_HOUSEHOLDS
    )
    if not from_patterns:
        return _Recorders(council, nhs)
    return _Recorders(PatternRecorder(council), tuple(PatternRecorder(recorder) for recorder in nhs))


def _write_block(
    block: Block,
    seed: int,
    settings: SyntheticSettings,
    recorders: _Recorders,
    counters: _Counters,
    outputs: _Outputs,
) -> None:
    drawn = inhabit(block, seed, settings, counters.uprn)
    dwellings, population, health = drawn.dwellings, drawn.population, drawn.health
    block_seed = seed * 1_000_003 + block.number
    written = recorders.council.record(dwellings, block_seed)
    recorded = tuple(recorder.record(dwellings, block_seed) for recorder in recorders.nhs)
    properties = list_properties(drawn, written, settings, seed, counters.properties)
    people = list_people(drawn, properties, written, settings, seed, counters.people)
    patients = list_patients(drawn, recorded, settings, seed, counters.patients, counters.numbers)
    writers, truths = outputs.extracts, outputs.truths
    writers["council_property"].write(properties.table)
    writers["council_person"].write(people.table)
    writers["nhs_person"].write(patients.table)
    conditions = _condition_table(health, patients, counters.conditions, drawn.today, seed, block)
    writers["nhs_condition"].write(conditions)
    events = _event_table(health, patients, counters.events, seed, block)
    writers["nhs_event"].write(events)
    writers["area_lookup"].write(_area_table(block))
    outputs.addresses.write(address_list(dwellings))
    listed = properties.record_of_dwelling(len(dwellings))
    ids = truth.person_ids(counters.persons, len(population))
    truths["properties"].write(truth.property_truth(drawn, properties, written))
    truths["persons"].write(truth.person_truth(drawn, listed, ids, counters.households))
    truths["council_person"].write(truth.council_person_truth(people, ids))
    truths["nhs_person"].write(truth.nhs_person_truth(patients, population, listed, recorded, ids))
    truths["household_pairs"].write(truth.household_pairs(people, patients, population, listed))
    truths["residence_pairs"].write(truth.residence_pairs(patients, population, listed))
    truths["mover"].write(truth.mover_truth(drawn))
    counters.properties += len(properties.dwelling)
    counters.people += len(people.person)
    counters.patients += len(patients.rows)
    counters.numbers += patients.numbers
    counters.persons += len(population)
    counters.households += int(population.people.household.max()) + 1
    counters.conditions += len(conditions["record_id"])
    counters.events += len(events["record_id"])
    counters.uprn += UPRN_STEP * (len(dwellings) + 1)


def _condition_table(
    health: Health, patients: NhsPatients, first: int, today: int, seed: int, block: Block
) -> dict[str, Texts]:
    rng = np.random.default_rng([seed, block.number, 1])
    row = patients.main[health.condition_person]
    kept = np.flatnonzero(row >= 0)
    row = row[kept]
    onset = np.minimum(health.condition_onset[kept], today - 1)
    return {
        "record_id": record_ids("NC", first, len(kept)),
        "person_record_id": patients.table["record_id"][row],
        "nhs_number": patients.table["nhs_number"][row],
        "condition": health.condition[kept],
        "onset_date": date_texts(
            rng, onset, DIALECTS["nhs_condition"].date_formats, np.ones(len(kept), dtype=bool)
        ),
    }


def _event_table(
    health: Health, patients: NhsPatients, first: int, seed: int, block: Block
) -> dict[str, Texts]:
    rng = np.random.default_rng([seed, block.number, 2])
    row = patients.main[health.event_person]
    kept = np.flatnonzero(row >= 0)
    row = row[kept]
    return {
        "record_id": record_ids("NE", first, len(kept)),
        "person_record_id": patients.table["record_id"][row],
        "nhs_number": patients.table["nhs_number"][row],
        "event": health.event[kept],
        "event_date": date_texts(
            rng, health.event_day[kept], DIALECTS["nhs_event"].date_formats, np.ones(len(kept), dtype=bool)
        ),
        "icd10": health.event_icd10[kept],
        "admission_method": health.event_method[kept],
    }


def _area_table(block: Block) -> dict[str, Texts]:
    areas = block.areas
    return {
        "lsoa21": np.array([area.lsoa21 for area in areas]),
        "msoa21": np.array([area.msoa21 for area in areas]),
        "local_authority": np.array([area.local_authority for area in areas]),
        "imd_decile": np.array([area.imd_decile for area in areas]).astype("<U2"),
        "aqma": yes_no(np.array([area.aqma for area in areas])),
    }
