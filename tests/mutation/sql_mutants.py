"""Mutants of SQL, in `.sql` files and in the strings of Python modules.

sqlglot's tokeniser finds the places, so that templates, parameters and comments stay as they are:

- a comparison becomes its neighbour, AND becomes OR, plus becomes minus, a number moves by one;
- one condition of a WHERE, HAVING, ON, FILTER or WHEN becomes TRUE;
- null handling goes: COALESCE(a, b) becomes a, IS NOT DISTINCT FROM becomes =, IS NULL becomes IS NOT NULL;
- a LEFT JOIN becomes an INNER JOIN, DISTINCT and NOT go, MIN becomes MAX.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from mutant import Mutant, mutant_of
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token

#: A string of a Python module is taken for SQL where it has one of these words.
_IS_SQL = re.compile(r"\b(SELECT|WHERE|JOIN|CASE|COALESCE|FILTER|HAVING|UNION|GROUP BY|LEAST|GREATEST)\b")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")

_SWAPS = {
    "<": ("<=",), "<=": ("<",), ">": (">=",), ">=": (">",), "<>": ("=",),
    "+": ("-",), "-": ("+",), "//": ("*",), "%": ("+",), "/": ("*",),
    "AND": ("OR",), "OR": ("AND",), "MIN": ("MAX",), "MAX": ("MIN",), "LEAST": ("GREATEST",),
    "GREATEST": ("LEAST",), "BOOL_OR": ("BOOL_AND",), "BOOL_AND": ("BOOL_OR",), "TRUE": ("FALSE",),
    "FALSE": ("TRUE",), "SUM": ("MAX",), "ROUND": ("FLOOR",), "FLOOR": ("CEIL",), "CEIL": ("FLOOR",),
}  # fmt: skip
_OPENS_CONDITION = {"WHERE", "HAVING", "ON", "WHEN"}
_CLOSES_CONDITION = {
    "GROUP", "GROUP BY", "ORDER", "ORDER BY", "HAVING", "UNION", "SELECT", "THEN", "LEFT", "INNER", "FULL",
    "JOIN", "CROSS", "WHERE", "LIMIT", ";", "ELSE", "QUALIFY", "WINDOW",
}  # fmt: skip
_JOINS_CONDITIONS = {"AND", "OR"}


class _Change(NamedTuple):
    start: int
    end: int
    text: str
    operator: str


def sql_mutants(path: str, source: str) -> Iterator[Mutant]:
    """Yield the mutants of a file of SQL, or of the SQL that a Python module has in its strings."""
    spans = [(0, source)] if path.endswith(".sql") else list(_strings(source))
    seen = set()
    for offset, text in spans:
        for change in _changes(text):
            start, end = offset + change.start, offset + change.end
            mutated = source[:start] + change.text + source[end:]
            mutant = mutant_of(path, source, mutated, f"sql/{change.operator}")
            if mutant is not None and mutated not in seen:
                seen.add(mutated)
                yield mutant


def _strings(source: str) -> Iterator[tuple[int, str]]:
    """Yield the strings of a module that are SQL: where their content starts, and the content."""
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.STRING or not _IS_SQL.search(token.string):
            continue
        found = re.match(r"(?i)[rbuf]*('''|\"\"\"|'|\")", token.string)
        if found is None or token.line.strip().startswith(('"""', "'''")):
            continue  # a docstring
        start = lines[token.start[0] - 1] + token.start[1] + found.end()
        end = lines[token.end[0] - 1] + token.end[1] - len(found.group(1))
        yield start, source[start:end]


def _changes(text: str) -> Iterator[_Change]:
    try:
        tokens = DuckDB().tokenize(_PLACEHOLDER.sub(lambda m: "x" * len(m.group()), text))
    except SqlglotError:
        return
    yield from _single(text, tokens)
    yield from _phrases(text, tokens)
    yield from _conditions(text, tokens)


def _single(text: str, tokens: list[Token]) -> Iterator[_Change]:
    is_between = False
    for before, token in pairwise([tokens[0], *tokens]) if tokens else ():
        word = _word(text, token)
        if word == "BETWEEN":
            is_between = True
        elif word == "AND" and is_between:
            is_between = False
            continue
        is_name = text[token.start - 1 : token.start] in ("$", ".")
        for other in () if is_name else _SWAPS.get(word, ()):
            yield _Change(token.start, token.end + 1, other, f"{word} to {other}")
        if word.isdecimal() and _word(text, before) not in ("LIMIT", "BY") and token is not before:
            for number in (int(word) + 1, int(word) - 1):
                yield _Change(token.start, token.end + 1, f"{number}".zfill(len(word)), "number")
        if word in ("DISTINCT", "NOT") and _word(text, before) not in ("IS", "NOT", "SELECT"):
            yield _Change(token.start, token.end + 1, "", f"drop {word}")


def _phrases(text: str, tokens: list[Token]) -> Iterator[_Change]:
    """Yield changes of several words: joins, null tests, COALESCE."""
    words = [_word(text, token) for token in tokens]
    for number, word in enumerate(words):
        following = words[number + 1 : number + 4]
        start = tokens[number].start
        if word == "LEFT" and following[:1] == ["JOIN"]:
            yield _Change(start, tokens[number].end + 1, "INNER", "LEFT to INNER")
        elif word == "IS" and following == ["NOT", "DISTINCT", "FROM"]:
            yield _Change(start, tokens[number + 3].end + 1, "=", "IS NOT DISTINCT FROM to =")
        elif word == "IS" and following[:2] == ["DISTINCT", "FROM"]:
            yield _Change(start, tokens[number + 2].end + 1, "<>", "IS DISTINCT FROM to <>")
        elif word == "IS" and following[:2] == ["NOT", "NULL"]:
            yield _Change(start, tokens[number + 2].end + 1, "IS NULL", "IS NOT NULL to IS NULL")
        elif word == "IS" and following[:1] == ["NULL"]:
            yield _Change(start, tokens[number + 1].end + 1, "IS NOT NULL", "IS NULL to IS NOT NULL")
        elif word == "COALESCE" and following[:1] == ["("]:
            comma, closing = _arguments(words, number + 1)
            if comma and closing:
                kept = text[tokens[number + 2].start : tokens[comma - 1].end + 1]
                yield _Change(start, tokens[closing].end + 1, kept, "drop COALESCE")


def _arguments(words: list[str], opening: int) -> tuple[int, int]:
    """Return the places of the first comma and of the bracket that closes the one at `opening`."""
    depth, comma = 0, 0
    for number in range(opening, len(words)):
        depth += (words[number] in ("(", "[")) - (words[number] in (")", "]"))
        if depth == 0:
            return comma, number
        if depth == 1 and words[number] == "," and not comma:
            comma = number
    return 0, 0


def _conditions(text: str, tokens: list[Token]) -> Iterator[_Change]:
    """Yield for each conjunct or disjunct of a condition the text in which it is TRUE."""
    words = [_word(text, token) for token in tokens]
    for number, word in enumerate(words):
        is_filter = word == "(" and number > 0 and words[number - 1] == "FILTER"
        if word not in _OPENS_CONDITION and not is_filter:
            continue
        first, depth, is_between = number + 1, 0, False
        if is_filter and words[first : first + 1] == ["WHERE"]:
            continue  # that WHERE opens it
        for place in range(number + 1, len(words) + 1):
            here = words[place] if place < len(words) else ";"
            depth += (here in ("(", "[", "CASE")) - (here in (")", "]", "END"))
            if depth < 0 or (depth == 0 and here in _CLOSES_CONDITION) or place == len(words):
                yield from _made_true(tokens, first, place)
                break
            if depth == 0 and here == "BETWEEN":
                is_between = True
            elif depth == 0 and here == "AND" and is_between:
                is_between = False
            elif depth == 0 and here in _JOINS_CONDITIONS:
                yield from _made_true(tokens, first, place)
                first = place + 1


def _made_true(tokens: list[Token], first: int, after: int) -> Iterator[_Change]:
    if first < after:
        yield _Change(tokens[first].start, tokens[after - 1].end + 1, "TRUE", "condition to TRUE")


def _word(text: str, token: Token) -> str:
    return text[token.start : token.end + 1].upper()
