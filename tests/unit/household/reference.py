"""household/v3 in plain Python, one record at a time: slow, and written from the words, not from the SQL."""

from collections import Counter, defaultdict
from datetime import date
from typing import Any

from tests.unit.household.world import LSOA, OTHER_LSOA, REFERENCE_DATE

Row = dict[str, Any]

_FLOOR = date(1900, 1, 1)
_COMMUNAL = {"RI", "RI01", "RI02", "RI03", "CC03", "CE06", "CH", "CH01", "CH03", "CM03", "M"}
_PARENT = {"P", "PP", "PS"}
_RESIDENTIAL_LETTERS = "RUX"
_NOT_DWELLINGS = {"RB", "RC", "RG"}


def place_everyone(
    dwellings: list[Row], records: list[Row]
) -> tuple[dict[str, str | None], dict[str, set[str]]]:
    """Return record -> the rule that leaves it out (None: it makes a resident), and dwelling -> persons."""
    homes = {d["record_pseudonym"]: d for d in dwellings}
    verdict: dict[str, str | None] = {r["record_pseudonym"]: _own_rule(r) for r in records}
    by_person: dict[str, list[Row]] = defaultdict(list)
    for r in records:
        if verdict[r["record_pseudonym"]] is None:
            by_person[_person(r)].append(r)
    living: dict[str, list[Row]] = defaultdict(list)
    for rows in by_person.values():
        latest = max(_recency(r) for r in rows)
        tied = [r for r in rows if _recency(r) == latest]
        for r in rows:
            if r not in tied:
                verdict[r["record_pseudonym"]] = "superseded"
        places = {r["home"] for r in tied if r["home"] is not None}
        if len(places) > 1:
            for r in tied:
                verdict[r["record_pseudonym"]] = "multiple_address"
            continue
        first, *others = sorted(tied, key=lambda r: (r["home"] is None, r["record_pseudonym"]))
        for r in others:
            verdict[r["record_pseudonym"]] = "duplicate_record"
        verdict[first["record_pseudonym"]] = rule = _rule_of_place(first, homes)
        if rule is None:
            living[first["home"]].append(first)
    members: dict[str, set[str]] = {}
    for home, rows in living.items():
        rule = _rule_of_size(rows)
        for r in rows:
            verdict[r["record_pseudonym"]] = rule
        if rule is None:
            members[home] = {_person(r) for r in rows}
    return verdict, members


def composition_of(people: list[tuple[int | None, str | None]]) -> str | None:
    """Return the composition of a household from the ages and sexes of its residents."""
    ages = [age for age, _ in people]
    if None in ages:
        return None
    known = sorted(age for age in ages if age is not None)
    if len(known) == 1:
        return "one_person_65_and_over" if known[0] >= 65 else "one_person_under_65"
    if any(a - b >= 16 and c - a >= 16 and b < 18 for a in known for b in known for c in known):
        return "multi_generation"
    dependent = [a for a in known if _is_dependent(a, known)]
    adults = [a for a in known if not _is_dependent(a, known)]
    if len(adults) == 2 and adults[1] - adults[0] < 16:
        return "couple_with_children" if dependent else "couple_without_children"
    return "lone_parent" if len(adults) == 1 and dependent else "other"


def bedrooms_required(people: list[tuple[int, str | None]], is_hmo: bool = False) -> int | None:
    """Return the bedrooms of the standard: the fewest over all choices of at most two plausible couples.

    None where the number depends on a sex that is unknown; more than one unknown sex is not looked into.
    """
    unknown = [n for n, (_, sex) in enumerate(people) if sex not in ("1", "2")]
    if len(unknown) > 1:
        return None
    found = set()
    for sex in ("1", "2"):
        assumed = [(age, sex if n in unknown else its) for n, (age, its) in enumerate(people)]
        couples = [] if is_hmo else _plausible_couples(assumed)
        choices: list[tuple[tuple[int, int], ...]] = [(), *((c,) for c in couples)]
        choices += [(c, d) for c in couples for d in couples if not set(c) & set(d)]
        found.add(min(len(choice) + _rooms_of_singles(assumed, choice) for choice in choices))
    return found.pop() if len(found) == 1 else None


def _rooms_of_singles(people: list[tuple[int, str | None]], couples: tuple[tuple[int, int], ...]) -> int:
    """Hand out bedrooms one by one to those who are in no couple."""
    shared = {n for couple in couples for n in couple}
    left = [person for n, person in enumerate(people) if n not in shared]
    rooms = sum(age >= 21 for age, _ in left)
    children = sum(age < 10 for age, _ in left)
    for sex in ("1", "2"):
        young = sum(10 <= age <= 20 and its == sex for age, its in left)
        while young >= 2:
            rooms, young = rooms + 1, young - 2
        if young:
            rooms += 1
            children -= any(age < 10 and its == sex for age, its in left)
    while children > 0:
        rooms, children = rooms + 1, children - 2
    return rooms


def _plausible_couples(people: list[tuple[int, str | None]]) -> list[tuple[int, int]]:
    ages = [age for age, _ in people]
    adults = [n for n, age in enumerate(ages) if not _is_dependent(age, ages)]
    found = []
    for n in adults:
        for m in adults:
            (age, sex), (other, its) = people[n], people[m]
            if n >= m or abs(age - other) >= 16:
                continue
            are_parents = any(a < 18 and a + 16 <= min(age, other) for a in ages)
            are_children = any(a - 16 >= max(age, other) for a in ages)
            could_be = are_parents or not are_children if sex != its else are_parents and len(adults) == 2
            if could_be:
                found.append((n, m))
    return found


def _is_dependent(age: int, household: list[int]) -> bool:
    return age < 16 or (age <= 18 and max(household) - age >= 16)


def _person(r: Row) -> str:
    return str(r.get("nhs_number_pseudonym") or r["record_pseudonym"])


def _day(value: date | None) -> date | None:
    return None if value == _FLOOR else value


def _own_rule(r: Row) -> str | None:
    day = REFERENCE_DATE
    begun, ended = _day(r.get("registration_start")), _day(r.get("registration_end"))
    moved_in, moved_out = _day(r.get("address_start")), _day(r.get("address_end"))
    if r.get("is_deceased"):
        return "deceased"
    if (begun and begun > day) or (ended and ended < day) or (begun and ended and ended < begun):
        return "not_registered"
    if r.get("address_type") not in (None, "usual"):
        return "not_usual_address"
    if moved_in and moved_out and moved_out < moved_in:
        return "spell_reversed"
    if (moved_in and moved_in > day) or (moved_out and moved_out < day):
        return "spell_not_current"
    return None


def _recency(r: Row) -> tuple[date, date]:
    return (_day(r.get("address_start")) or date.min, _day(r.get("registration_start")) or date.min)


def _rule_of_place(r: Row, homes: dict[str, Row]) -> str | None:
    if r["home"] is None:
        return "imprecise" if r.get("reason") in ("ambiguous", "split_off") else "no_match"
    home = homes[r["home"]]
    blpu = home.get("blpu_class")
    if blpu in _PARENT or home.get("blpu_state") == "4":
        return "imprecise"
    if home.get("lsoa21") not in (LSOA, OTHER_LSOA):
        return "out_of_area"
    if blpu in _COMMUNAL or home.get("council_tax_exemption") == "M":
        return "communal_recorded"
    if blpu is not None and (blpu[0] not in _RESIDENTIAL_LETTERS or blpu in _NOT_DWELLINGS):
        return "non_residential"
    return None


def _rule_of_size(rows: list[Row]) -> str | None:
    ages = [r.get("age_years") for r in rows]
    known = [age for age in ages if age is not None]
    size = len(rows)
    practices = Counter(r.get("practice_code") for r in rows if r.get("practice_code") is not None)
    same_practice = max(practices.values(), default=0)
    if size > 5 and sum(a >= 75 for a in known) >= 0.9 * size and same_practice >= 0.9 * size:
        return "communal_evident"
    if size > 10 and sum(17 <= a <= 24 for a in known) >= 0.9 * size:
        return "communal_evident"
    if size > 10 or (size > 4 and sum(a > 67 for a in known) == size):
        return "improbable_size"
    return None
