"""Every published total, counted again from people and homes as they really are, in a few lines of pandas.

Nothing here is shared with the pipeline: no SQL, no condition language, no household definition. A measure is
left out where the population has no such column.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

Table = pd.DataFrame
Flags = pd.Series


@dataclass(frozen=True)
class Population:
    """People as they live (one row each; `home` is their dwelling), and the homes with someone in them."""

    people: Table
    homes: Table

    def any_at_home(self, met: Flags) -> Flags:
        """Return for each home whether anyone there meets a condition on people."""
        found: Flags = met.groupby(self.people["home"]).any().reindex(self.homes.index, fill_value=False)
        return found


#: Measure -> who is counted among whom: (is in the numerator, is in the denominator).
Rate = Callable[[Population], tuple[Flags, Flags]]


def _homes(
    counted: Callable[[Population], Flags], among: Callable[[Population], Flags] | None = None
) -> Rate:
    def rate(them: Population) -> tuple[Flags, Flags]:
        everyone = pd.Series(True, them.homes.index)
        return counted(them), everyone if among is None else among(them)

    return rate


def _people(counted: Callable[[Table], Flags], among: Callable[[Table], Flags] | None = None) -> Rate:
    def rate(them: Population) -> tuple[Flags, Flags]:
        everyone = pd.Series(True, them.people.index)
        return counted(them.people), everyone if among is None else among(them.people)

    return rate


def _two_of_four(them: Population) -> Flags:
    return (
        them.homes["tax_support"].astype(int)
        + them.any_at_home(them.people["conditions"] >= 2).astype(int)
        + them.homes["overcrowded"].astype(int)
        + them.any_at_home(them.people["free_school_meals"] == 1).astype(int)
    ) >= 2


def _aged(low: int, high: int) -> Callable[[Table], Flags]:
    return lambda people: people["age"].between(low, high)


def _registered(people: Table) -> Flags:
    """Return the people with an NHS record: nothing is recorded of the health of the others."""
    found: Flags = people["is_registered"]
    return found


def _has_child(them: Population) -> Flags:
    return them.any_at_home(them.people["age"] < 18)


def _has_dependent_child(them: Population) -> Flags:
    """Return the homes with a child under 16, or aged 16 to 18 with someone who could be a parent."""
    eldest = them.people["home"].map(them.people.groupby("home")["age"].max())
    age = them.people["age"]
    return them.any_at_home((age < 16) | ((age <= 18) & (eldest >= age + 16)))


RATES: dict[str, Rate] = {
    "emergency_admission": _homes(lambda t: t.any_at_home(t.people["admissions"] >= 1)),
    "multiple_long_term_conditions": _homes(lambda t: t.any_at_home(t.people["conditions"] >= 2)),
    "childhood_asthma": _homes(
        lambda t: t.any_at_home(t.people["asthma"] & (t.people["age"] < 18)), _has_child
    ),
    "residents_admitted": _people(lambda p: p["admissions"] >= 1, _registered),
    "residents_with_multiple_conditions": _people(lambda p: p["conditions"] >= 2, _registered),
    "damp_homes": _homes(lambda t: t.homes["damp"]),
    "overcrowded": _homes(lambda t: t.homes["overcrowded"]),
    "fuel_poverty": _homes(lambda t: t.homes["fuel_poor"] == True, lambda t: t.homes["fuel_poor"].notna()),  # noqa: E712
    "respiratory_admission": _homes(lambda t: t.any_at_home(t.people["respiratory_admissions"])),
    "children_with_asthma": _people(lambda p: p["asthma"], _aged(0, 17)),
    "children_respiratory_admission": _people(lambda p: p["respiratory_admissions"], _aged(0, 17)),
    "pupils_often_absent": _people(lambda p: p["attendance"] < 90, lambda p: p["attendance"].notna()),
    "good_level_of_development": _people(lambda p: p["good_level"] == 1, _aged(5, 7)),
    "workless": _homes(
        lambda t: ~t.any_at_home((t.people["in_work"] == 1) & t.people["age"].between(16, 64)),
        lambda t: t.any_at_home(t.people["age"].between(16, 64)),
    ),
    "adults_in_work": _people(lambda p: p["in_work"] == 1, _aged(16, 64)),
    "influenza_vaccination_65": _people(
        lambda p: p["vaccinated"], lambda p: _registered(p) & (p["age"] >= 65)
    ),
    "influenza_vaccination_at_risk": _people(
        lambda p: p["vaccinated"], lambda p: p["at_risk"] & (p["age"] < 65)
    ),
    "older_person_alone": _homes(
        lambda t: t.any_at_home(t.people["age"] >= 65) & (t.people.groupby("home").size() == 1),
        lambda t: t.any_at_home(t.people["age"] >= 65),
    ),
    "low_income_with_children": _homes(
        lambda t: t.homes["tax_support"] | t.any_at_home(t.people["free_school_meals"] == 1),
        _has_dependent_child,
    ),
    "deprived_household": _homes(_two_of_four),
    "hidden_deprivation": _homes(_two_of_four, lambda t: t.homes["imd_decile"] >= 4),
}


def true_rates(them: Population) -> dict[str, float]:
    """Return measure -> true percent, for every measure whose columns the population has."""
    found = {}
    for name, rate in RATES.items():
        try:
            counted, among = rate(them)
        except KeyError:
            continue
        found[name] = 100 * float((counted & among).sum()) / float(among.sum())
    return found


def true_counts(them: Population) -> dict[str, float]:
    """Return the true numbers of households and residents, and the lower end of the median age's band."""
    return {
        "households": float(len(them.homes)),
        "residents": float(len(them.people)),
        "median_age": float(them.people["age"].median() // 5 * 5),
    }
