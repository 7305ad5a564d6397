"""The SQL statements of the link stage, and a condition that several of them use."""

from pipeline.engine.statements import Statements

SQL = Statements("pipeline.link")


def shares(one: str, other: str) -> str:
    """SQL: the two token lists have a token in common; false if either is missing.

    other: the list of one person, which seldom has more than three tokens. Looking these up is ten times
    faster than `list_has_any`, which hashes a list for each row and is used for the rest.
    """
    first_three = " OR ".join(f"list_contains({one}, {other}[{n}])" for n in (1, 2, 3))
    return (
        f"COALESCE({first_three} OR CASE WHEN len({other}) > 3 THEN list_has_any({one}, {other}) END, FALSE)"
    )
