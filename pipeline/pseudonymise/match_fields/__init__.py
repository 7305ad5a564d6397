"""The fields on which people and places are compared once their identifiers are gone.

Each match field is a clear value computed at the controller, beside the key,
and replaced there by a keyed token; only tokens leave. Two rules decide what may
be a field at all:

- a value is a *composite* (surname with birth date, premises with postcode), so
  that no token is frequent enough to be recognised by counting;
- a field made of one name alone carries a *salt*, the postcode sector, so that
  its frequencies are those of a few streets and not the nation's. A field whose
  common values would still stand out withholds them (`maximum_records`).

`hearth attack encoding` counts tokens as an adversary would and shows that both hold.
"""

from pipeline.pseudonymise.match_fields.catalogue import (
    ADDRESS_FIELDS,
    MATCH_FIELDS,
    PERSON_FIELDS,
    MatchField,
)
from pipeline.pseudonymise.match_fields.compute import clear_match_fields

__all__ = ["ADDRESS_FIELDS", "MATCH_FIELDS", "PERSON_FIELDS", "MatchField", "clear_match_fields"]
