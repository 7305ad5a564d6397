"""Lineage: the supplied columns that each published table is calculated from.

A measure or dimension reads attributes. An attribute is a column of the same name, or is calculated
from the columns listed here. The columns that link records and form households are part of every
output; the report names them once and not for each output.
"""

from functools import cache

from schemas.attribute import resident_attributes
from schemas.condition import attributes_in
from schemas.contract import contracts
from schemas.dimension import dimensions
from schemas.measure import measures
from schemas.table import tables

_AREA = "council_property.lsoa21"
_AGE = ("nhs_person.birth_date",)
_MOVES = ("nhs_person.address_start",)
_MEMBERS = ("nhs_person.record_id", "nhs_person.uprn", "council_property.uprn")
_LISTED = ("council_person.record_id", "council_person.property_record_id", "council_person.service")
#: Attribute -> the columns that it is calculated from, if no column has the same name.
DERIVED: dict[str, tuple[str, ...]] = {
    "residents": _MEMBERS,
    "residents_0_to_4": (*_MEMBERS, *_AGE),
    "residents_5_to_15": (*_MEMBERS, *_AGE),
    "residents_16_to_64": (*_MEMBERS, *_AGE),
    "residents_65_and_over": (*_MEMBERS, *_AGE),
    "dependants": (*_MEMBERS, *_AGE),
    "adults": (*_MEMBERS, *_AGE),
    "composition": (*_MEMBERS, *_AGE, *_LISTED, "council_property.single_person_discount"),
    "lives_alone": (*_MEMBERS, *_AGE, *_LISTED, "council_property.single_person_discount"),
    "bedrooms_required": (*_MEMBERS, *_AGE, "nhs_person.sex"),
    "occupancy_rating": ("council_property.bedrooms", *_MEMBERS, *_AGE, "nhs_person.sex"),
    "has_recent_mover": _MOVES,
    "moved_in_last_year": _MOVES,
    "imd_quintile": ("area_lookup.imd_decile",),
    "age_years": _AGE,
    "ethnic_group": ("nhs_person.ethnic_category",),
    "residents_listed_by_council": _LISTED,
    "is_listed_by_council": _LISTED,
    "roster_coverage": (*_LISTED, *_MEMBERS),
    "has_free_school_meals": ("council_person.free_school_meals",),
    "has_good_level_of_development": ("council_person.good_level_of_development",),
    "has_special_educational_needs": ("council_person.sen",),
    "is_in_work": ("council_person.in_work",),
    "is_often_absent": ("council_person.school_attendance_percent",),
    "sessions_missed_percent": ("council_person.school_attendance_percent",),
    "is_pupil": ("council_person.service", "council_person.school_attendance_percent"),
}
_SOURCES = {
    "condition": ("nhs_condition.condition", "nhs_condition.onset_date"),
    "event": ("nhs_event.event", "nhs_event.event_date"),
}
#: Tables that are searched, in this order, for a column with an attribute's name.
_OWN_NAME = ("council_property", "area_lookup", "nhs_person")


def columns_of_attribute(name: str) -> tuple[str, ...]:
    """Return each "table.column" that an attribute is calculated from; raises KeyError if it is unknown."""
    if name in DERIVED:
        return DERIVED[name]
    found = [f"{table}.{name}" for table in _OWN_NAME if f"{table}.{name}" in _supplied()]
    for attribute in resident_attributes():
        if attribute.name == name:
            otherwise = [] if attribute.otherwise is None else [f"nhs_person.{attribute.otherwise}"]
            return (*_SOURCES[attribute.source], *otherwise)
    if not found:
        raise KeyError(name)
    return (found[0],)


def columns_of_output(table_id: str) -> tuple[str, ...]:
    """Return each "table.column" that a registered table is calculated from, sorted."""
    table = tables()[table_id]
    read: set[str] = set()
    for name in table.measures:
        read |= attributes_in(measures()[name].include) | attributes_in(measures()[name].count)
    for name in table.dimensions:
        read |= dimensions()[name].attributes
    columns = {column for name in read for column in columns_of_attribute(name)}
    return tuple(sorted(columns | {_AREA} if table.area_levels else columns))


@cache
def _supplied() -> frozenset[str]:
    return frozenset(
        f"{item.table}.{column.name}" for item in contracts("extract") for column in item.columns
    )
