"""Every error code that the source can raise is in the registry, and every registered code can be raised.

The codes are found in the source itself: where an error, a finding or a verdict is made, in tables that name
codes, and in the SQL that gives a row its reason.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from governance.rules import all_rules
from pipeline.disclosure.attack import side_channel
from schemas.error_code import error_codes

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("schemas", "governance", "pipeline", "flows", "sample_data")
#: What is called with a code as its first argument -> the kind of that code.
MAKERS = {
    "Fault": "fault",
    "Refused": "refusal",
    "Finding": "finding",
    "failed": "rule",
    "warned": "rule",
}
#: Functions of one module that take a code: (module, function) -> (place of the argument, kind).
TAKES_A_CODE = {
    ("pipeline/transfer/verification.py", "_refused"): (0, "refusal"),
    ("pipeline/ingest/cast.py", "_cast"): (2, "quarantine"),
}
#: Makers whose code comes from elsewhere: (module, argument as written) -> where this test finds the codes.
FORWARDED = {
    ("governance/gate.py", "self.verdict.code"): "the rules",
    ("governance/gate.py", "first.verdict.code"): "the rules",
    ("governance/keys/providers/sealed_file.py", "code"): "TABLES",
    ("governance/rules/delivery.py", "code"): "TABLES",
    ("pipeline/assign_uprn/address_list.py", "reason"): "the SQL of ingest",
    ("pipeline/ingest/inspection.py", "min((finding.code for finding in findings))"): "rule ids",
    ("pipeline/ingest/inspection.py", "refusal.code"): "rule ids",
    ("pipeline/publish/attacked.py", "code"): "TABLES",
    ("pipeline/quality/review/decisions.py", "code"): "TABLES",
    ("pipeline/transfer/verification.py", "code"): "TAKES_A_CODE",
}
#: Codes that are put together: (module, argument as written) -> (kind, what comes of it).
PUT_TOGETHER = {
    ("pipeline/disclosure/audit/cell_system.py", "f'{what.upper()}_NOT_UNDERSTOOD'"): (
        "fault",
        ("CELL_NOT_UNDERSTOOD", "RELATION_NOT_UNDERSTOOD"),
    ),
    ("pipeline/publish/attacked.py", "code.upper()"): ("finding", ("SINGLED_OUT", "LEARNT")),
    ("pipeline/disclosure/attack/side_channel.py", "f'{code}_IN_TEXT'"): (
        "attack",
        tuple(f"{name}_IN_TEXT" for name in side_channel._FORBIDDEN),
    ),
    ("pipeline/disclosure/attack/side_channel.py", "f'{code}_IN_LOG'"): (
        "attack",
        tuple(f"{name}_IN_LOG" for name in side_channel._FORBIDDEN_IN_LOG),
    ),
}
#: Modules and folders that name codes in tables, or return them -> the kind of those codes.
TABLES = {
    "governance/keys/providers/sealed_file.py": "fault",
    "governance/rules/delivery.py": "rule",
    "pipeline/disclosure/attack/": "attack",
    "pipeline/assign_uprn/assignment.py": "quarantine",
    "pipeline/ingest/readers/": "quarantine",
    "pipeline/ingest/row_faults.py": "quarantine",
    "pipeline/ingest/cell_text.py": "repair",
    "pipeline/ingest/repairs.py": "repair",
    "pipeline/quality/review/decisions.py": "finding",
    "flows/commands/controller/assign_uprn.py": "unassigned",
    "flows/actions/paper_check.py": "rule",
}
#: Where SQL gives rows and cells a reason, in files and in Python -> the kind of those reasons.
REASONS_IN_SQL = {
    "pipeline/ingest/repairs.py": "repair",
    "pipeline/ingest/": "quarantine",
    "pipeline/assign_uprn/": "unassigned",
}
#: Capitals with underscores that are no error codes.
NO_CODES = {
    "AF_UNIX",  # a family of addresses in a unit file
    # parts of the codes that side_channel.py puts together
    "NHS_NUMBER",
    # Python names that `__all__` lists
    "ADDRESS_FIELDS",
    "MATCH_FIELDS",
    "PERSON_FIELDS",
    # environment variables, and an algorithm of AWS
    "DO_NOT_TRACK",
    "HEARTH_UPRN_ENVIRONMENT",
    "HMAC_SHA_256",
    "LC_ALL",
    "MIMALLOC_ALLOW_THP",
    "NUMPY_MADVISE_HUGEPAGE",
    "SUDO_USER",
    "XDG_STATE_HOME",
}
_PREFECT = "PREFECT_"

_CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_RULE_ID = re.compile(r"[A-Z]{3}-\d\d")
_REASON = re.compile(r"\b(?:THEN|ELSE)\s+'([A-Z][A-Z_]{3,})'")
_REPAIR = re.compile(r"CREATE MACRO \w+_repair\(.*?;\n", re.DOTALL)


@dataclass(frozen=True)
class Found:
    """A code in the source. rule: the id of the rule whose check gives it, "" outside rules."""

    code: str
    kind: str
    place: str
    rule: str = ""


def sources(suffix: str) -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob(f"*{suffix}")):
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


@cache
def raised() -> tuple[Found, ...]:
    found = [Found(name, "verdict", AUDIT_VERIFIER) for name in audit_verdicts()]
    for module, text in sources(".py"):
        found += in_python(module, ast.parse(text))
    for module, text in sources(".sql"):
        repairs = "".join(_REPAIR.findall(text))
        found += [Found(code, "repair", module) for code in _REASON.findall(repairs)]
        found += in_sql(module, _REPAIR.sub("", text))
    return tuple(found)


def in_python(module: str, tree: ast.Module) -> list[Found]:
    found: list[Found] = []
    seen: set[int] = set()
    rules = rule_of_each_call(tree)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        place, kind = TAKES_A_CODE.get((module, name), (0, MAKERS.get(name, "")))
        if not kind:
            continue
        given = [*call.args[place : place + 1], *(k.value for k in call.keywords if k.arg == "code")]
        if len(given) != 1:
            pytest.fail(f"{module}:{call.lineno} makes an error without a code that this test can read")
        for argument in alternatives(given[0]):
            written = ast.unparse(argument)
            if isinstance(argument, ast.Constant):
                seen.add(id(argument))
                found.append(Found(str(argument.value), kind, module, rules.get(id(call), "")))
            elif (module, written) not in {**FORWARDED, **PUT_TOGETHER}:
                pytest.fail(f"{module}:{argument.lineno} makes an error whose code this test cannot read")
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr | ast.Call) and (module, ast.unparse(node)) in PUT_TOGETHER:
            kind, codes = PUT_TOGETHER[module, ast.unparse(node)]
            found += [Found(code, kind, module) for code in codes]
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in seen:
            continue
        found += in_sql(module, node.value)
        if _CODE.fullmatch(node.value) and node.value not in NO_CODES and _PREFECT not in node.value:
            table = kind_at(module, TABLES) or "fault"
            found.append(Found(node.value, table, module))
    found += [Found(word, "attack", module) for word in attack_words(module, tree)]
    return found


def in_sql(module: str, text: str) -> list[Found]:
    kind = kind_at(module, REASONS_IN_SQL)
    return [Found(code, kind, module) for code in _REASON.findall(text)] if kind else []


def attack_words(module: str, tree: ast.Module) -> list[str]:
    """Findings of attacks that are one word: what is assigned to `findings[...]`."""
    return [
        str(node.slice.value)
        for node in ast.walk(tree)
        if module.startswith("pipeline/disclosure/attack/")
        and isinstance(node, ast.Subscript)
        and ast.unparse(node.value) == "findings"
        and isinstance(node.slice, ast.Constant)
        and str(node.slice.value).isupper()
    ]


def alternatives(argument: ast.expr) -> list[ast.expr]:
    return [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]


def kind_at(module: str, kinds: dict[str, str]) -> str:
    return next((kind for place, kind in kinds.items() if module.startswith(place)), "")


def rule_of_each_call(tree: ast.Module) -> dict[int, str]:
    """Return which calls are in the body of a function that `@rule(id=...)` registers."""
    within: dict[int, str] = {}
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "rule":
                named = next(k.value for k in decorator.keywords if k.arg == "id")
                rule_id = str(ast.literal_eval(named))
                within |= {id(node): rule_id for node in ast.walk(function) if isinstance(node, ast.Call)}
    return within


AUDIT_VERIFIER = "governance/audit/verify.py"


def audit_verdicts() -> tuple[str, ...]:
    """Return the names of the verifier's exit codes."""
    for node in ast.parse((ROOT / AUDIT_VERIFIER).read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("(INTACT"):
            return tuple(ast.unparse(name) for name in node.targets[0].elts)  # type: ignore[attr-defined]
    pytest.fail("the verifier names its exit codes otherwise: see audit_verdicts")


def raised_codes() -> set[str]:
    return {item.code for item in raised() if not _RULE_ID.fullmatch(item.code)}


def test_every_code_that_is_raised_is_registered() -> None:
    missing = sorted(
        {f"{f.code} ({f.place})" for f in raised() if f.code in raised_codes() - set(error_codes())}
    )
    assert missing == [], "add them to schemas/errors"


def test_every_registered_code_is_raised_somewhere() -> None:
    assert sorted(set(error_codes()) - raised_codes()) == [], "remove them from schemas/errors"


def test_every_code_is_registered_with_the_kinds_that_the_source_gives_it() -> None:
    kinds: dict[str, set[str]] = {}
    for item in raised():
        kinds.setdefault(item.code, set()).add(item.kind)
    wrong = {
        code: sorted(kinds[code])
        for code, entry in error_codes().items()
        if code in kinds and set(entry.kinds) != kinds[code]
    }
    assert wrong == {}


def test_every_code_of_a_rule_names_the_rules_that_give_it() -> None:
    rules: dict[str, set[str]] = {}
    for item in raised():
        if item.rule:
            rules.setdefault(item.code, set()).add(item.rule)
    # the loop over the table of codes in delivery.py is all of ING-01
    for item in raised():
        if item.place == "governance/rules/delivery.py":
            rules.setdefault(item.code, set()).add("ING-01")
    wrong = {
        code: sorted(rules.get(code, set()))
        for code, entry in error_codes().items()
        if set(entry.rules) != rules.get(code, set())
    }
    assert wrong == {}


def test_every_rule_id_in_the_source_is_a_registered_rule() -> None:
    known = {item.id for item in all_rules()}
    families = {rule_id[:3] for rule_id in known}
    named = {
        (str(node.value), module)
        for module, text in sources(".py")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and _RULE_ID.fullmatch(str(node.value))
        if str(node.value)[:3] in families
    }
    assert {item for item in named if item[0] not in known} == set()
