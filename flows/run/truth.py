"""The truth of an invented population in this run's pseudonyms, for the quality report to measure by.

Named by `[project] truth` in hearth.toml, and only where one operator plays all places with invented
people: nobody who links real people may know who they are.
"""

import pyarrow as pa

from flows.actions.evaluation import read_truth
from governance.canonical import digest_of
from governance.errors import Refused
from governance.keys.providers.provider import KeyProvider
from governance.keys.pseudonyms.column_hashing import KeyedHasher, keyed_hasher
from pipeline.project import Project
from pipeline.pseudonymise.tables import COUNCIL_PROPERTY_RECORD, NHS_PERSON_RECORD
from pipeline.quality.counting import TruePairs

#: Column of the truth -> its name here, and the kind of identifier it holds.
_SIDES = {
    "nhs_record_id": ("nhs_record_pseudonym", NHS_PERSON_RECORD),
    "council_record_id": ("dwelling_record_pseudonym", COUNCIL_PROPERTY_RECORD),
}


def may_know_truth(project: Project) -> bool:
    """Answer whether the project's custody allows anyone to hold true pairs."""
    return project.custody == "single-operator" and not project.production


def pseudonymised_truth(project: Project, keys: KeyProvider) -> TruePairs | None:
    """Return the true pairs that the project names, under its key; None where it names none.

    Raises Refused outside single-operator custody, Fault where they cannot be read.
    """
    if project.truth is None:
        return None
    check_truth_is_allowed(project)
    pairs = read_truth(project.truth)
    layers = [keys] if keys.outer is None else [keys, keys.outer]
    with keyed_hasher(layers, [kind for _, kind in _SIDES.values()], 0) as hasher:
        hashed = {unit: _hashed(table, hasher) for unit, table in pairs.items()}
    digest = digest_of(
        {
            unit: [sorted(table.column(name).to_pylist()) for name in table.column_names]
            for unit, table in hashed.items()
        }
    )
    return TruePairs(hashed.get("residence"), hashed.get("households"), digest)


def check_truth_is_allowed(project: Project) -> None:
    """Raise Refused where a truth is named and the people may be real."""
    if project.truth is not None and not may_know_truth(project):
        raise Refused(
            "TRUTH_FORBIDDEN",
            f"hearth.toml names a truth, which {project.custody} custody keeps from whoever links.",
            "Remove truth from [project]; the quality of real links is estimated, and reviewed by people.",
        )


def _hashed(pairs: pa.Table, hasher: KeyedHasher) -> pa.Table:
    columns = {}
    for column, (name, kind) in _SIDES.items():
        ids = pa.compute.utf8_trim_whitespace(pairs.column(column)).combine_chunks().dictionary_encode()
        pseudonyms = hasher.pseudonyms(kind, ids.dictionary).result()
        columns[name] = pa.DictionaryArray.from_arrays(ids.indices, pseudonyms).cast(pa.string())
    return pa.table(columns).drop_null()
