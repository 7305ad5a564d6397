"""The bedroom standard for people whose relationships are known, by counts of each home.

A couple shares. So do two people of one sex aged 10 to 20, one person aged 10 to 20 and a child under 10 of
the same sex, and two children under 10. Everyone else needs a bedroom.
Source: Census 2021, occupancy rating for bedrooms; it follows the Housing (Overcrowding) Bill 2003.
"""

import pandas as pd


def rooms_needed(people: pd.DataFrame) -> pd.Series:
    """Return the bedrooms that each home needs. is_couple: the two who are each other's partners."""
    partners = people.groupby("home")["is_couple"].transform("sum")
    shares = people["is_couple"] & (partners == 2)
    homes = people["home"].drop_duplicates()
    home = people["home"]

    def count(chosen: pd.Series) -> pd.Series:
        return home[chosen].value_counts().reindex(homes, fill_value=0)

    rooms = (count(shares) > 0).astype(int) + count(~shares & (people["age"] >= 21))
    children = pd.Series(0, homes)
    for sex in (True, False):
        same = ~shares & (people["is_female"] == sex)
        older, younger = count(same & people["age"].between(10, 20)), count(same & (people["age"] < 10))
        rooms += (older + 1) // 2
        children += younger - ((older % 2 == 1) & (younger > 0)).astype(int)
    return rooms + (children + 1) // 2
