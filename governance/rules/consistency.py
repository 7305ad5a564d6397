"""Extracts fit each other: areas, dates, people and properties, before anything is linked.

Facts: `consistency`, `people` and `newest_birth`, see `pipeline/ingest/stage.py`; `shared_uprns`, see
`pipeline/group/stage.py`.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from governance.agreement.agreement import Agreement
from governance.counted import counted
from governance.rules.ingest import supplied_tables
from governance.rules.registry import Shown, Verdict, failed, passed, rule

#: Fewer properties with a code that the lookup does not have are slips, and are counted in the notes.
FEWEST_PROPERTIES = 3
#: A council has few properties beyond its areas; more than this in one area mean that the area is missing.
MOST_PROPERTIES_ELSEWHERE = 20
#: The largest share of properties in areas that the lookup does not list.
MOST_ELSEWHERE = 0.02
#: How long after today a reference date may be.
AHEAD = timedelta(days=31)
#: A register of people has births up to this long before the reference date.
NEWEST_BIRTH = timedelta(days=3 * 366)
#: Fewer people may have no birth in a year.
FEWEST_PEOPLE = 1_000
#: The largest shares of NHS numbers and of people in contradictions, and how many say nothing.
MOST_NUMBERS_OF_TWO_PEOPLE = 0.005
MOST_PEOPLE_UNDER_TWO_NUMBERS = 0.01
FEWEST_CONTRADICTIONS = 3
MOST_DUPLICATE_PROPERTIES = 0.01
MOST_HOMES_OF_MINORS = 0.02
#: Both sides have at least this many UPRNs before their overlap says anything, and this share in common.
FEWEST_UPRNS = 100
LEAST_UPRNS_IN_COMMON = 0.3


@rule(
    id="ING-12",
    version=1,
    title="Each area of the extracts is in the lookup, in its vintage of 2021, and in one authority",
    stage="ingest",
    source="ONS geography, LSOA and MSOA of 2021; UK GDPR art. 5(1)(d), accuracy",
    remedy="Ask the supplier for LSOA codes of 2021 (a lookup from postcodes has them), and for an "
    "area_lookup that lists every area of the council.",
    parts=("council",),
)
def areas_are_in_the_lookup(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse codes of 2011, unknown codes, areas that the lookup lacks, and MSOAs in two authorities.

    One or two properties with a wrong code pass, and a few beyond the council's areas.
    """
    threshold = "codes of 2021 that the lookup lists, each MSOA in one authority"
    if not evidence.within("consistency").table("areas"):
        return passed("no properties, or no lookup of the same controller", threshold)
    areas = evidence.within("consistency").within("areas")
    stated, ended, unknown, elsewhere = map(areas.count, ("stated", "ended", "unknown", "elsewhere"))
    observed = (
        f"{counted(stated, 'property', 'properties')} with an LSOA, {areas.count('listed'):,} in the lookup; "
        f"codes of 2011: {ended:,}, unknown: {unknown:,}, of other areas: {elsewhere:,}; "
        f"{counted(areas.count('empty_areas'), 'area')} of the lookup without a property"
    )
    if split := areas.count("split_msoas"):
        reason = f"{counted(split, 'MSOA is', 'MSOAs are')} in several authorities of area_lookup"
        return failed("MSOA_IN_TWO_AUTHORITIES", observed, threshold, reason)
    if ended >= FEWEST_PROPERTIES:
        reason = (
            f"{counted(ended, 'property has', 'properties have')} "
            f"{counted(areas.count('ended_areas'), 'LSOA code')} of 2011 that ended in 2021, so their people "
            "would be missing in every total"
        )
        return failed("LSOA_OF_2011", observed, threshold, reason)
    if unknown >= FEWEST_PROPERTIES:
        reason = (
            f"{counted(unknown, 'property has', 'properties have')} an LSOA code that was never given to an "
            "area of England"
        )
        return failed("LSOA_UNKNOWN", observed, threshold, reason)
    is_many = elsewhere > MOST_ELSEWHERE * stated and elsewhere >= FEWEST_PROPERTIES
    if is_many or areas.count("largest_elsewhere") > MOST_PROPERTIES_ELSEWHERE:
        reason = (
            f"the lookup lacks {counted(areas.count('elsewhere_areas'), 'LSOA')} of the properties "
            f"({counted(elsewhere, 'property', 'properties')}), so their people would be in no total"
        )
        return failed("LSOA_NOT_IN_LOOKUP", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="ING-13",
    version=1,
    title="The reference date fits today and the newest dates of each extract",
    stage="ingest",
    source="UK GDPR art. 5(1)(d), accuracy; ONS administrative-based population estimates, reference day",
    remedy="Set `reference_date` under [project] in hearth.toml to a day that the extracts cover, or ask for "
    "newer extracts.",
)
def reference_date_fits(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse a reference date after today, before births, or long after the last birth."""
    day = date.fromisoformat(evidence.run.text("reference_date"))
    found = list(_births(evidence))
    newest = ", ".join(f"{place} {born.isoformat() if born else 'none'}" for place, born, _, _ in found)
    observed = f"reference date {day}, today {now.date()}; newest births: {newest or 'no birth dates'}"
    threshold = (
        f"at most {AHEAD.days} days after today, and births up to {NEWEST_BIRTH.days} days before it in a "
        f"register of {FEWEST_PEOPLE:,} people"
    )
    if day > now.date() + AHEAD:
        reason = f"the reference date is {counted((day - now.date()).days, 'day')} after today"
        return failed("REFERENCE_DATE_AHEAD", observed, threshold, reason)
    late = [place for place, _, people, after in found if after >= 3 and after > people / 1_000]
    if late:
        reason = f"people were born after the reference date in {', '.join(late)}"
        return failed("REFERENCE_DATE_BEFORE_DATA", observed, threshold, reason)
    old = [
        place
        for place, born, people, _ in found
        if place.startswith("nhs_") and people >= FEWEST_PEOPLE and born and day - born > NEWEST_BIRTH
    ]
    if old:
        reason = f"no one was born in the three years before the reference date in {', '.join(old)}"
        return failed("REFERENCE_DATE_AFTER_DATA", observed, threshold, reason)
    return passed(observed, threshold)


def _births(evidence: Shown) -> Iterator[tuple[str, date | None, int, int]]:
    """Yield place, newest birth, people with a birth date and births after the reference date."""
    for name, facts in supplied_tables(evidence).items():
        if facts.has("newest_birth") and not facts.is_null("newest_birth"):
            shown = facts.within("newest_birth")
            born = shown.optional_text("born")
            yield (
                f"{name}.birth_date",
                date.fromisoformat(born) if born else None,
                shown.count("people"),
                shown.count("after_reference"),
            )


@rule(
    id="ING-14",
    version=1,
    title="People and homes are recorded once, and NHS numbers identify one person",
    stage="ingest",
    source="NHS Data Dictionary, NHS number; docs/household-definition.md, people; UK GDPR art. 5(1)(d)",
    remedy="`hearth quarantine` lists the lines. Ask the supplier to correct shared NHS numbers, repeated "
    "people and repeated properties at source.",
)
def people_and_homes_are_recorded_once(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse many numbers of two people, people under two numbers, repeated homes, homes of minors."""
    parts, faults = [], []
    for name, facts in supplied_tables(evidence).items():
        if not facts.table("people"):
            continue
        people = facts.within("people")
        numbers, rows = people.count("numbers"), people.count("rows")
        two, double = people.count("numbers_of_two_people"), people.count("people_under_two_numbers")
        parts.append(
            f"{name}: {counted(two, 'NHS number')} of two people, {double:,} people under two numbers, "
            f"{people.count('rows_without_number_joined'):,} rows without a number joined"
        )
        if two >= FEWEST_CONTRADICTIONS and two > MOST_NUMBERS_OF_TWO_PEOPLE * numbers:
            faults.append(("numbers", f"{two:,} of {counted(numbers, 'NHS number')} of {name}"))
        if double >= FEWEST_CONTRADICTIONS and double > MOST_PEOPLE_UNDER_TWO_NUMBERS * rows:
            faults.append(("people", f"{counted(double, 'person', 'people')} of {name}"))
    consistency = evidence.within("consistency")
    for fact, counts, limit, what in (
        ("properties", "duplicates", MOST_DUPLICATE_PROPERTIES, "repeat an address"),
        ("homes", "minors_only", MOST_HOMES_OF_MINORS, "have no one of 16 or older"),
    ):
        if not consistency.table(fact):
            continue
        shown = consistency.within(fact)
        all_of_it, found = shown.count(fact), shown.count(counts)
        parts.append(f"{found:,} of {all_of_it:,} {fact} {what}")
        if found >= FEWEST_CONTRADICTIONS and found > limit * all_of_it:
            faults.append((fact, f"{found:,} of {all_of_it:,} {fact} {what}"))
    observed = "; ".join(parts) or "no people and no properties"
    threshold = (
        f"at most {MOST_NUMBERS_OF_TWO_PEOPLE:.1%} of numbers of two people, "
        f"{MOST_PEOPLE_UNDER_TWO_NUMBERS:.0%} of people under two numbers, "
        f"{MOST_DUPLICATE_PROPERTIES:.0%} of properties repeated, "
        f"{MOST_HOMES_OF_MINORS:.0%} of homes without an adult"
    )
    first = faults[0][0] if faults else ""
    reason = "too many contradictions: " + ", ".join(text for _, text in faults)
    if first == "numbers":
        return failed("NUMBERS_OF_TWO_PEOPLE", observed, threshold, reason)
    if first == "people":
        return failed("PEOPLE_UNDER_TWO_NUMBERS", observed, threshold, reason)
    if first == "properties":
        return failed("PROPERTIES_REPEATED", observed, threshold, reason)
    if first == "homes":
        return failed("HOMES_OF_MINORS", observed, threshold, reason)
    return passed(observed, threshold)


@rule(
    id="ING-15",
    version=1,
    title="The UPRNs of both sides are of the same places",
    stage="group",
    source="field-notes.md, UPRN; GUILD (Gilbert 2018), step 1",
    remedy="Check that both extracts are of the same area, that no column of UPRNs was shifted or damaged, "
    "and that both controllers used one linkage key (`hearth keys check-value`).",
)
def uprns_of_both_sides_meet(evidence: Shown, agreement: Agreement, now: datetime) -> Verdict:
    """Refuse extracts that both have UPRNs and few in common. A side without UPRNs passes."""
    shared = evidence.within("shared_uprns")
    dwellings, groups, on_list = map(shared.count, ("dwellings", "address_groups", "on_list"))
    share = on_list / groups if groups else 0.0
    observed = (
        f"{counted(groups, 'address group')} and {counted(dwellings, 'dwelling')} with a UPRN; "
        f"{share:.1%} of the groups have the UPRN of a dwelling"
    )
    threshold = f"at least {LEAST_UPRNS_IN_COMMON:.0%}, where each side has at least {FEWEST_UPRNS} UPRNs"
    if min(dwellings, groups) >= FEWEST_UPRNS and share < LEAST_UPRNS_IN_COMMON:
        reason = f"only {on_list:,} of {counted(groups, 'address group')} have the UPRN of a dwelling"
        return failed("UPRNS_DO_NOT_MEET", observed, threshold, reason)
    return passed(observed, threshold)
