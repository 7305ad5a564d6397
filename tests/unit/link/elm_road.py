"""Rows of a street in clear: homes, people listed there, and patients."""

from datetime import date
from typing import Any


def place(record: str, number: int, uprn: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "record_id": record,
        "address_line_1": f"{number} Elm Road",
        "postcode": "M31 4BQ",
        "uprn": uprn,
        **more,
    }


def listed(record: str, dwelling: str, name: str, **more: Any) -> dict[str, Any]:
    forename, surname = name.split()
    return {
        "record_id": record,
        "property_record_id": dwelling,
        "forename": forename,
        "surname": surname,
        "service": "electoral_register",
        "role": "resident",
        **more,
    }


def patient(
    record: str, number: int, name: str, born: int, uprn: str | None = None, **more: Any
) -> dict[str, Any]:
    forename, surname = name.split()
    return {
        **place(record, number, uprn, **more),
        "forename": forename,
        "surname": surname,
        "birth_date": date(born, 5, 17),
    }
