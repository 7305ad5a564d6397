"""The true pairs of a synthetic population, in this run's pseudonyms. The quality report measures with them.

`[project] truth` in hearth.toml names them. They are allowed only in single-operator custody with synthetic
data: an operator who links real people must not know who they are.
"""

import pyarrow as pa

from governance.canonical import digest_of
from governance.errors import Refused
from governance.keys.providers.provider import KeyProvider
from governance.keys.pseudonyms.column_hashing import KeyedHasher, keyed_hasher
from pipeline.project import Project
from pipeline.pseudonymise.tables import COUNCIL_PROPERTY_RECORD, NHS_PERSON_RECORD
from pipeline.quality.counting import TruePairs
from pipeline.quality.truth_files import read_truth

#: Column of the truth -> its name here, and its kind of identifier.
_SIDES = {
    "nhs_record_id": ("nhs_record_pseudonym", NHS_PERSON_RECORD),
    "council_record_id": ("dwelling_record_pseudonym", COUNCIL_PROPERTY_RECORD),
}


def may_know_truth(project: Project) -> bool:
    """Return whether the project's custody allows true pairs."""
    return project.custody == "single-operator" and not project.production


def pseudonymised_truth(project: Project, keys: KeyProvider) -> TruePairs | None:
    """Return the true pairs that hearth.toml names, pseudonymised with its key. None if it names none.

    Raises Refused outside single-operator custody, and Fault if they cannot be read.
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
    """Raise Refused if hearth.toml names true pairs and the people may be real."""
    if project.truth is not None and not may_know_truth(project):
        raise Refused(
            "TRUTH_FORBIDDEN",
            "hearth.toml names true pairs. They are allowed only with synthetic data: in single-operator "
            "custody, outside production.",
            "Remove `truth` from [project] in hearth.toml. To measure quality, use `hearth review export`.",
        )


def _hashed(pairs: pa.Table, hasher: KeyedHasher) -> pa.Table:
    columns = {}
    for column, (name, kind) in _SIDES.items():
        ids = pa.compute.utf8_trim_whitespace(pairs.column(column)).combine_chunks().dictionary_encode()
        pseudonyms = hasher.pseudonyms(kind, ids.dictionary).result()
        columns[name] = pa.DictionaryArray.from_arrays(ids.indices, pseudonyms).cast(pa.string())
    return pa.table(columns).drop_null()
