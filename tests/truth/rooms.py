"""The bedroom standard for people whose relationships are known. Slow and plain: one household at a time.

A couple shares. So do two people of one sex aged 10 to 20, one person aged 10 to 20 and a child under 10 of
the same sex, and two children under 10. Everyone else needs a bedroom.
Source: Census 2021, occupancy rating for bedrooms; it follows the Housing (Overcrowding) Bill 2003.
"""

import pandas as pd


def rooms_needed(people: pd.DataFrame) -> int:
    """Return the bedrooms that one household needs. is_couple: the two who are each other's partners."""
    couple = people["is_couple"] if people["is_couple"].sum() == 2 else pd.Series(False, people.index)
    others = people[~couple]
    rooms = int(couple.any()) + int((others["age"] >= 21).sum())
    children = others[others["age"] < 10]
    left = {sex: int((children["is_female"] == sex).sum()) for sex in (True, False)}
    for sex in (True, False):
        older = int((others["age"].between(10, 20) & (others["is_female"] == sex)).sum())
        rooms += (older + 1) // 2
        if older % 2 and left[sex]:
            left[sex] -= 1
    return rooms + (sum(left.values()) + 1) // 2
