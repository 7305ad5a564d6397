"""Match fields: the values by which people and addresses are compared when there are no identifiers.

The clear value of a match field is computed at the controller, where the key is, and replaced there by a
keyed token. Only tokens leave. Two rules decide which values may be a field:

- the value is a *composite* (surname with birth date, premises with postcode), so that no token is frequent
  enough to be recognised by counting; or
- a field of a single name includes a *salt*, the postcode sector, so that its frequencies are those of a few
  streets and not those of the country. Values that are still frequent are withheld (`maximum_records`).

`hearth attack encoding` counts tokens as an attacker would and shows whether the rules are sufficient.
"""

from pipeline.pseudonymise.match_fields.catalogue import (
    ADDRESS_FIELDS,
    MATCH_FIELDS,
    PERSON_FIELDS,
    MatchField,
)
from pipeline.pseudonymise.match_fields.compute import clear_match_fields

__all__ = ["ADDRESS_FIELDS", "MATCH_FIELDS", "PERSON_FIELDS", "MatchField", "clear_match_fields"]
