"""How others round and redact counts, for profiles that follow their rules.

Each is applied after Hearth's own floor, so a preset is never looser than 10 and 5.
Source: OpenSAFELY documentation (redact 7 and below, round to 5; midpoint 6); NHS England, HES
disclosure rules (1 to 7 hidden below national level, the rest to 5).
"""

from math import ceil


def opensafely(count: int) -> int | None:
    """Return a count rounded to 5, or None where it is 7 or fewer."""
    return None if count <= 7 else 5 * ((count + 2) // 5)


def midpoint_6(count: int) -> int:
    """Return the middle of the run of six that a count lies in: 0 stays 0, 1 to 6 give 3, 7 to 12 give 9."""
    return 0 if count == 0 else 6 * ceil(count / 6) - 3


def hospital_episodes(count: int) -> int | None:
    """Return a count rounded to 5, or None where it is 1 to 7; a nought is printed."""
    return 0 if count == 0 else None if count <= 7 else 5 * ((count + 2) // 5)


def uk_llc(count: int) -> int | None:
    """Return a count, or None where it is under 10, nought included."""
    return None if count < 10 else count
