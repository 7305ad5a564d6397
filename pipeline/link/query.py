"""The queries of the link stage: its statements in `sql/`, and conditions that several of them ask."""

from pipeline.engine.statements import Statements

SQL = Statements("pipeline.link")


def shares(one: str, other: str) -> str:
    """SQL: the two lists of tokens have one in common; false where either is missing.

    To look for a token is ten times quicker than `list_has_any`, which hashes a list for each row;
    so it suits an `other` of one person's tokens, seldom more than three.
    """
    looked_for = " OR ".join(f"list_contains({one}, {other}[{n}])" for n in (1, 2, 3))
    return (
        f"COALESCE({looked_for} OR CASE WHEN len({other}) > 3 THEN list_has_any({one}, {other}) END, FALSE)"
    )
