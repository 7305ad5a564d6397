"""The mutants of SQL: which changes are made, and where none is."""

import ast
from pathlib import Path

import pytest
import sqlglot
from mutant import ROOT, Mutant, equivalence
from python_mutants import python_mutants
from sql_mutants import sql_mutants

STATEMENT = """-- One row per area, where a < b.
SELECT
    area,
    COALESCE(MAX(n), 0) AS most
FROM town
LEFT JOIN size
    ON size.area = town.area AND size.level IS NOT DISTINCT FROM town.level
WHERE n >= $least OR n BETWEEN 2 AND 3
GROUP BY area
HAVING COUNT(DISTINCT home) > 1
"""


def changed(source: str, path: str = "a.sql") -> set[tuple[str, str]]:
    return {(mutant.before, mutant.after) for mutant in sql_mutants(path, source)}


def test_comparisons_nulls_joins_numbers_and_conditions_are_changed_one_at_a_time() -> None:
    where = "WHERE n >= $least OR n BETWEEN 2 AND 3"
    joined = "ON size.area = town.area AND size.level IS NOT DISTINCT FROM town.level"
    assert changed(STATEMENT) == {
        ("COALESCE(MAX(n), 0) AS most", "MAX(n) AS most"),
        ("COALESCE(MAX(n), 0) AS most", "COALESCE(MIN(n), 0) AS most"),
        ("COALESCE(MAX(n), 0) AS most", "COALESCE(MAX(n), 1) AS most"),
        ("COALESCE(MAX(n), 0) AS most", "COALESCE(MAX(n), -1) AS most"),
        ("LEFT JOIN size", "INNER JOIN size"),
        (joined, "ON TRUE AND size.level IS NOT DISTINCT FROM town.level"),
        (joined, "ON size.area = town.area AND TRUE"),
        (joined, "ON size.area = town.area OR size.level IS NOT DISTINCT FROM town.level"),
        (joined, "ON size.area = town.area AND size.level = town.level"),
        (where, "WHERE n > $least OR n BETWEEN 2 AND 3"),
        (where, "WHERE TRUE OR n BETWEEN 2 AND 3"),
        (where, "WHERE n >= $least OR TRUE"),
        (where, "WHERE n >= $least AND n BETWEEN 2 AND 3"),
        (where, "WHERE n >= $least OR n BETWEEN 3 AND 3"),
        (where, "WHERE n >= $least OR n BETWEEN 1 AND 3"),
        (where, "WHERE n >= $least OR n BETWEEN 2 AND 4"),
        (where, "WHERE n >= $least OR n BETWEEN 2 AND 2"),
        ("HAVING COUNT(DISTINCT home) > 1", "HAVING COUNT( home) > 1"),
        ("HAVING COUNT(DISTINCT home) > 1", "HAVING COUNT(DISTINCT home) >= 1"),
        ("HAVING COUNT(DISTINCT home) > 1", "HAVING COUNT(DISTINCT home) > 2"),
        ("HAVING COUNT(DISTINCT home) > 1", "HAVING COUNT(DISTINCT home) > 0"),
        ("HAVING COUNT(DISTINCT home) > 1", "HAVING TRUE"),
    }


def test_sql_in_a_string_of_python_is_changed_around_its_placeholders_and_docstrings_are_not() -> None:
    source = 'def f():\n    """SELECT a WHERE b > 1."""\n    return f"SELECT {x} FROM t WHERE {y} > 1"\n'
    found = changed(source, "a.py")
    line = 'return f"SELECT {x} FROM t WHERE {y} > 1"'
    assert found == {
        (line, 'return f"SELECT {x} FROM t WHERE {y} >= 1"'),
        (line, 'return f"SELECT {x} FROM t WHERE {y} > 2"'),
        (line, 'return f"SELECT {x} FROM t WHERE {y} > 0"'),
        (line, 'return f"SELECT {x} FROM t WHERE TRUE"'),
    }


@pytest.mark.parametrize("path", sorted((ROOT / "pipeline" / "disclosure" / "sql").glob("*.sql")), ids=str)
def test_nearly_every_mutant_of_a_statement_can_be_parsed(path: Path) -> None:
    mutants = list(sql_mutants(path.name, path.read_text("utf-8")))
    broken = [m for m in mutants if not parses(m)]
    assert mutants
    assert len(broken) <= 0.05 * len(mutants), [(m.before, m.after) for m in broken]


def parses(mutant: Mutant) -> bool:
    try:
        sqlglot.parse(mutant.text, read="duckdb")
    except sqlglot.errors.SqlglotError:
        return False
    return True


def test_python_is_changed_and_its_annotations_are_not() -> None:
    source = "def f(a: int | None, b: set[int]) -> set[int] | None:\n    return b | {a} if a in b else None\n"
    found = {m.after for m in python_mutants("a.py", source)}
    assert found == {
        "return b & {a} if a in b else None",
        "return b | {a} if a not in b else None",
        "return b | {a} if not a in b else None",
    }
    assert all(ast.parse(m.text) for m in python_mutants("a.py", source))


def test_a_listed_mutant_is_known_by_its_line_and_file_pattern_with_the_reason() -> None:
    listed = Mutant("governance/rules/run.py", 1, "number", "version=1,", "version= 2,", "")
    assert "label" in equivalence(listed)
    assert equivalence(Mutant("pipeline/run.py", 1, "number", "version=1,", "version= 2,", "")) == ""
