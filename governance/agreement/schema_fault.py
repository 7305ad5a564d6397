"""Which rule of a JSON Schema a file breaks, and where, without any value of the file.

The messages of jsonschema quote the value. A value can be anything that someone pasted into the wrong place.
"""

import re
from collections.abc import Iterable
from typing import Any

import jsonschema

_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a table",
    "string": "text in quotes",
}
#: A name or id that a message may show: letters, hyphens, and no more than two digits together.
_PLAIN_NAME = re.compile(r"(?=.{1,40}$)[a-z][a-z_-]*(?:[0-9]{1,2}[a-z_-]+)*(?:[0-9]{1,2})?")
_WITHHELD = "(name withheld)"


def place_in_file(path: Iterable[str | int], whole: str) -> str:
    """Return where a fault is, such as "parties[2].role". whole: name of the file, for its top level."""
    place = ""
    for part in path:
        name = f"[{part + 1}]" if isinstance(part, int) else shown_name(str(part))
        place += f".{name}" if place and not isinstance(part, int) else name
    return place or whole


def broken_rule(error: jsonschema.ValidationError) -> str:
    """Return what the value must be, in words."""
    limit: Any = error.validator_value
    value: Any = error.instance
    schema: Any = error.schema
    match error.validator:
        case "type":
            kinds = [limit] if isinstance(limit, str) else limit
            return f"must be {' or '.join(_KINDS.get(kind, kind) for kind in kinds)}"
        case "required":
            missing = [name for name in limit if name not in value]
            return f"lacks {', '.join(missing)}"
        case "additionalProperties":
            known = schema.get("properties", {})
            unknown = sorted(shown_name(name) for name in value if name not in known)
            return f"has an unknown entry: {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        case "enum":
            return f"must be one of {', '.join(map(str, limit))}"
        case "format":
            return "must be a date such as 2026-03-31"
        case "pattern":
            return f"does not have the form {limit}"
        case "minimum":
            return f"must be at least {limit}"
        case "maximum":
            return f"must be at most {limit}"
        case "minLength" | "minItems" | "minProperties":
            return "is empty" if limit == 1 else f"must have at least {limit} entries"
        case other:
            return f"breaks the rule {other}"


def shown_name(name: str) -> str:
    """Return the name of an entry if it looks like one, otherwise a note that it is withheld."""
    return name if _PLAIN_NAME.fullmatch(name) else _WITHHELD
