"""Numbers in words: a count with its noun in the right number ("1 row", "2 rows"), and a share in percent."""


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Return the count with its noun, thousands separated: "20,113 rows".

    plural: for words that do not simply take an "s" ("entries", "rows have").
    """
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"


def percent(share: float) -> str:
    """Return a share from 0 to 1 in percent: "62%"."""
    return f"{100 * share:.6g}%"
