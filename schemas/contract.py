"""The shape of every table at every stage, read once from its data contract.

A contract is an Open Data Contract Standard v3 file
`contracts/<stage>/<table>.odcs.yaml`. What the standard does not cover is in
`customProperties`, whose names are a closed list here. A key that is in neither
the standard nor this list is an error at any level, so that a misspelt
`requierd` cannot switch a check off.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml
from jsonschema import Draft201909Validator

from schemas.strict_yaml import SafeLoader

#: In the order in which data pass through the stages.
STAGES = ("extract", "pseudonymised", "grouped", "linked", "household", "aggregate", "protected", "published")

#: From the most to the least identifying.
CLASSIFICATIONS = (
    "direct_identifier",
    "special_category",
    "quasi_identifier",
    "pseudonym",
    "attribute",
    "technical",
)

#: Why a column is kept; the agreement names one of these for each column.
PURPOSES = (
    "linkage",
    "household",
    "geography",
    "determinant",
    "outcome",
    "equity",
    "disclosure_control",
    "data_quality",
    "record_keeping",
)

#: What ingest does with a cell that breaks its column's contract; later stages refuse.
ON_INVALID = ("quarantine", "null", "refuse")

#: Identifiers that ingest brings into one canonical form.
FORMS = ("uprn", "nhs_number", "postcode")

#: How a cell is matched to its code list: by spelling, or, where the codes are classes within
#: classes ("RD02" within "RD" within "R"), by the narrowest class that the list contains.
CODE_MATCHES = ("spelling", "narrowest_class")

#: What a date is the date of. It decides which days are plausible (`pipeline/ingest/date_cast.py`).
DATE_KINDS = ("birth", "death", "start", "end", "event")

#: The largest share of a column's stated cells that may be invalid, unless its contract or the agreement
#: sets another limit.
MAXIMUM_INVALID_SHARE = 0.05

LOGICAL_TYPES = ("string", "integer", "number", "boolean", "date", "array")
#: Types of the items of an array.
ITEM_TYPES = ("string", "integer")
#: Each logical type of a single value, in SQL.
SQL_TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
}

#: Names are written into SQL and patterns, so only characters without a meaning there are allowed.
_COLUMN_NAME = re.compile("[a-z][a-z0-9_]*")
_CONTRACT_PROPERTIES = frozenset({"controller", "presence"})
_COLUMN_PROPERTIES = frozenset(
    {
        "purpose",
        "mustNotOutlive",
        "onInvalid",
        "codeList",
        "codeMatch",
        "form",
        "unit",
        "dateKind",
        "maximumInvalidShare",
        "maximumMissingShare",
        "varies",
    }
)


class ContractInvalid(ValueError):
    """A contract file breaks the standard or Hearth's additions to it; the message lists every fault."""

    def __init__(self, name: str, faults: list[str]) -> None:
        super().__init__(f"{name}: " + "; ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Column:
    """One column of a table.

    logical_type: one of LOGICAL_TYPES. item_type: for an array, the logical type of its items.
    must_not_outlive: the last stage that may contain the column.
    code_list: name of the code list that contains all allowed values, if any.
    code_match: how a cell is matched to that list (one of CODE_MATCHES).
    form: canonical identifier form (one of FORMS), if any.
    pattern: regular expression that the whole value must match, if any.
    minimum, maximum: inclusive bounds of a number, or of each item of an array; ISO text for a date.
    date_kind: for a date of an extract, one of DATE_KINDS.
    maximum_invalid_share: largest share of the stated cells that may be invalid; maximum_missing_share: of
    all cells that may be empty. The agreement can set others.
    varies: whether one value may not fill nearly the whole column.
    """

    name: str
    title: str
    description: str
    logical_type: str
    required: bool
    unique: bool
    classification: str
    purpose: str
    must_not_outlive: str
    on_invalid: str
    code_list: str | None = None
    code_match: str = "spelling"
    form: str | None = None
    pattern: str | None = None
    minimum: float | str | None = None
    maximum: float | str | None = None
    maximum_length: int | None = None
    unit: str | None = None
    item_type: str | None = None
    date_kind: str | None = None
    maximum_invalid_share: float = MAXIMUM_INVALID_SHARE
    maximum_missing_share: float = 1.0
    varies: bool = False


@dataclass(frozen=True)
class Contract:
    """One table at one stage.

    row_meaning: what one row is.
    controller: "council" or "nhs" for extracts, None for tables that have no single controller.
    is_optional: whether a run is possible without the table.
    retention_days: how long the table may be kept, unless the agreement sets a shorter time.
    digest: SHA-256 of the contract file, for fingerprints.
    """

    stage: str
    table: str
    version: str
    title: str
    purpose: str
    row_meaning: str
    controller: str | None
    is_optional: bool
    retention_days: int
    digest: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in the order in which they are written."""
        return tuple(column.name for column in self.columns)

    def find(self, name: str) -> Column | None:
        """Return a column by name, or None if the contract does not declare it."""
        return next((column for column in self.columns if column.name == name), None)

    def column(self, name: str) -> Column:
        """Return a column by name; raises KeyError if the contract does not declare it."""
        found = self.find(name)
        if found is None:
            raise KeyError(f"{self.stage}.{self.table} does not declare a column {name}")
        return found


def load_contract(stage: str, table: str) -> Contract:
    """Return the contract of one table; raises KeyError if there is none, ContractInvalid if invalid."""
    for contract in contracts(stage):
        if contract.table == table:
            return contract
    raise KeyError(f"stage {stage} has no table {table}")


@cache
def contracts(stage: str) -> tuple[Contract, ...]:
    """Return every contract of a stage, ordered by table; raises KeyError for an unknown stage."""
    if stage not in STAGES:
        raise KeyError(f"no stage {stage}")
    folder = files("schemas") / "contracts" / stage
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".odcs.yaml")), key=_name)
    return tuple(
        _shipped_contract(stage, file.name.removesuffix(".odcs.yaml"), file.read_bytes()) for file in found
    )


def all_contracts() -> tuple[Contract, ...]:
    """Return every contract of every stage, in the order of the stages."""
    return tuple(contract for stage in STAGES for contract in contracts(stage))


def _shipped_contract(stage: str, table: str, content: bytes) -> Contract:
    """Return a contract of this repository, checked for Hearth's own part only.

    The tests hold every such file to the standard, and PRE-05 holds the files to what was tested. To check
    them against the standard's JSON schema again costs a second in every command.
    """
    try:
        return _contract_of(stage, table, _read_file(stage, table, content), content)
    except (KeyError, TypeError, AttributeError):  # it no longer meets the standard: name every fault
        return parse_contract(stage, table, content)


def parse_contract(stage: str, table: str, content: bytes) -> Contract:
    """Check the bytes of a contract file and return the Contract; raises ContractInvalid with every fault."""
    raw = _read_file(stage, table, content)
    faults = [f"{error.json_path}: {_plain(error.message)}" for error in _standard().iter_errors(raw)]
    if faults:
        raise ContractInvalid(f"{stage}/{table}.odcs.yaml", faults)
    return _contract_of(stage, table, raw, content)


def _read_file(stage: str, table: str, content: bytes) -> Any:
    try:
        # a SafeLoader that also refuses repeated keys
        return yaml.load(content, Loader=_StrictLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise ContractInvalid(f"{stage}/{table}.odcs.yaml", [f"not YAML: {error}"]) from None


def _contract_of(stage: str, table: str, raw: Any, content: bytes) -> Contract:
    reader = _Reader(stage, table, raw)
    contract = reader.contract(hashlib.sha256(content).hexdigest())
    if reader.faults:
        raise ContractInvalid(f"{stage}/{table}.odcs.yaml", reader.faults)
    return contract


def _name(file: Traversable) -> str:
    return file.name


def _plain(message: str) -> str:
    return message if len(message) <= 300 else message[:297] + "..."


@cache
def _standard() -> Draft201909Validator:
    schema = json.loads((files("open_data_contract_standard") / "schema.json").read_bytes())
    return Draft201909Validator(schema)


class _StrictLoader(SafeLoader):
    """A YAML loader that rejects repeated keys."""


def _mapping_of_distinct_keys(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    repeated = sorted({str(key) for key in keys if keys.count(key) > 1})
    if repeated:
        raise yaml.constructor.ConstructorError(
            None, None, f"repeated keys: {', '.join(repeated)}", node.start_mark
        )
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping_of_distinct_keys)


class _Reader:
    """Turns a file that meets the standard into a Contract, and collects faults."""

    def __init__(self, stage: str, table: str, raw: Mapping[str, Any]) -> None:
        self.stage = stage
        self.table = table
        self.raw = raw
        self.faults: list[str] = []

    def contract(self, digest: str) -> Contract:
        custom = self._custom("contract", self.raw, _CONTRACT_PROPERTIES)
        tables = self.raw.get("schema", [])
        if [entry["name"] for entry in tables] != [self.table]:
            self.faults.append(f"schema must contain exactly one table, {self.table}")
        entry = tables[0] if tables else {}
        properties = entry.get("properties", [])
        names = [column["name"] for column in properties]
        self.faults += [
            f"column {name} is declared twice" for name in sorted({n for n in names if names.count(n) > 1})
        ]
        if not properties:
            self.faults.append("no columns")
        return Contract(
            stage=self.stage,
            table=self.table,
            version=str(self.raw["version"]),
            title=self._text("name", self.raw.get("name")),
            purpose=self._text("description.purpose", self.raw.get("description", {}).get("purpose")),
            row_meaning=self._text("dataGranularityDescription", entry.get("dataGranularityDescription")),
            controller=custom.get("controller"),
            is_optional=self._choice("presence", custom.get("presence"), ("required", "optional"))
            == "optional",
            retention_days=self._retention(),
            digest=digest,
            columns=tuple(self._column(column) for column in properties),
        )

    def _column(self, raw: Mapping[str, Any]) -> Column:
        name = raw["name"]
        if not _COLUMN_NAME.fullmatch(name):
            self.faults.append(f"{name} is not a valid column name (lower case letters, digits, underscores)")
        custom = self._custom(name, raw, _COLUMN_PROPERTIES)
        items = raw.get("items", {})
        is_array = raw.get("logicalType") == "array"
        options = (items if is_array else raw).get("logicalTypeOptions", {})
        last = self._choice(f"{name} mustNotOutlive", custom.get("mustNotOutlive"), STAGES)
        if STAGES.index(self.stage) > STAGES.index(last):
            self.faults.append(f"{name} must not outlive stage {last}")
        default = None if self.stage == "extract" else "refuse"
        return Column(
            name=name,
            title=self._text(f"{name} businessName", raw.get("businessName")),
            description=self._text(f"{name} description", raw.get("description")),
            logical_type=self._choice(f"{name} logicalType", raw.get("logicalType"), LOGICAL_TYPES),
            required=bool(raw.get("required", False)),
            unique=bool(raw.get("unique", False)),
            classification=self._choice(f"{name} classification", raw.get("classification"), CLASSIFICATIONS),
            purpose=self._choice(f"{name} purpose", custom.get("purpose"), PURPOSES),
            must_not_outlive=last,
            on_invalid=self._choice(f"{name} onInvalid", custom.get("onInvalid", default), ON_INVALID),
            code_list=custom.get("codeList"),
            code_match=self._choice(f"{name} codeMatch", custom.get("codeMatch", "spelling"), CODE_MATCHES),
            form=None if "form" not in custom else self._choice(f"{name} form", custom["form"], FORMS),
            pattern=options.get("pattern"),
            minimum=options.get("minimum"),
            maximum=options.get("maximum"),
            maximum_length=options.get("maxLength"),
            unit=custom.get("unit"),
            item_type=self._choice(f"{name} items logicalType", items.get("logicalType"), ITEM_TYPES)
            if is_array
            else None,
            date_kind=None
            if "dateKind" not in custom
            else self._choice(f"{name} dateKind", custom["dateKind"], DATE_KINDS),
            maximum_invalid_share=self._share(name, custom, "maximumInvalidShare", MAXIMUM_INVALID_SHARE),
            maximum_missing_share=self._share(name, custom, "maximumMissingShare", 1.0),
            varies=self._choice(f"{name} varies", custom.get("varies", "no"), ("yes", "no")) == "yes",
        )

    def _share(self, name: str, custom: Mapping[str, Any], what: str, default: float) -> float:
        value = custom.get(what, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        self.faults.append(f"{name} {what} must be a share from 0 to 1")
        return default

    def _custom(self, where: str, raw: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
        listed = [(entry["property"], entry["value"]) for entry in raw.get("customProperties", [])]
        for name in sorted({name for name, _ in listed} - known):
            self.faults.append(
                f"{where}: unknown custom property {name}; known properties are {', '.join(sorted(known))}"
            )
        if len(dict(listed)) != len(listed):
            self.faults.append(f"{where}: a custom property is declared twice")
        return dict(listed)

    def _retention(self) -> int:
        terms = [term for term in self.raw.get("slaProperties", []) if term["property"] == "retention"]
        if len(terms) != 1 or terms[0].get("unit") != "d" or not isinstance(terms[0]["value"], int):
            self.faults.append("slaProperties must contain one retention in whole days (unit d)")
            return 0
        return int(terms[0]["value"])

    def _text(self, where: str, value: Any) -> str:
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())
        self.faults.append(f"{where} must be text")
        return ""

    def _choice(self, where: str, value: Any, choices: tuple[str, ...]) -> str:
        if value in choices:
            return str(value)
        self.faults.append(f"{where} must be one of {', '.join(choices)}")
        return choices[0]
