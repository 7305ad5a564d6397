"""Extracts and address lists on disk, and a matcher that answers as a test says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.csv
import pytest

from pipeline.assign_uprn import assignment
from pipeline.assign_uprn.assignment import AssignmentRequest, assign_uprns
from pipeline.assign_uprn.columns import NamedColumns
from pipeline.assign_uprn.environment import MatcherEnvironment
from pipeline.project import ExtractSettings

LIST = """\
uprn,address,postcode
100000000001,"1 HIGH STREET, SALE",M33 1AA
100000000002,"2 HIGH STREET, SALE",M33 1AA
100000000003,"3 HIGH STREET, SALE",M33 1AA
"""


@dataclass(frozen=True)
class Answer:
    """What the stand-in matcher says of an address: the UPRN found, by which rule or with which scores."""

    uprn: str | None
    reason: str = "splink: probabilistic match"
    weight: float | None = None
    lead: float | None = None


@dataclass
class Desk:
    """A folder with an extract and an address list, at which UPRNs are assigned."""

    folder: Path
    answers: dict[str, Answer]

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def put(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def request(self, extract: Path, address_list: Path | None = None, **changes: Any) -> AssignmentRequest:
        listed = address_list or self.put("list.csv", LIST)
        request = AssignmentRequest(
            ExtractSettings("nhs_person", extract),
            NamedColumns(),
            ExtractSettings("address_list", listed),
            NamedColumns(),
            self.out,
        )
        return replace(request, **changes)

    def assign(self, extract: str, **changes: Any) -> dict[str, Any]:
        """Assign UPRNs to an extract's text; returns the summary."""
        return assign_uprns(self.request(self.put("people.csv", extract), **changes))

    def table(self, name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pyarrow.csv.read_csv(
            self.out / name,
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={"uprn": "string", "supplied_uprn": "string"}, strings_can_be_null=True
            ),
        ).to_pylist()
        return rows

    def uprns(self) -> list[str]:
        """The UPRN column of the new extract, as text."""
        return [row.split(",")[1] for row in (self.out / "people.csv").read_text().splitlines()[1:]]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Nothing here runs uk-address-matcher: each address is answered from `desk.answers`."""
    made = Desk(tmp_path, {})
    monkeypatch.setattr(assignment, "open_environment", lambda: MatcherEnvironment(Path("none"), "1.5.3"))
    monkeypatch.setattr(assignment, "look_up", _stand_in(made.answers))
    return made


def _stand_in(answers: Mapping[str, Answer]) -> Callable[..., None]:
    def look_up(connection: duckdb.DuckDBPyConnection, *_: Any) -> None:
        connection.execute(
            "CREATE TABLE found (address_id BIGINT, listed_id BIGINT, match_reason VARCHAR, "
            "match_weight DOUBLE, distinguishability DOUBLE)"
        )
        ids = dict(connection.execute("SELECT uprn, listed_id FROM listed").fetchall())
        for address_id, address in connection.execute(
            "SELECT address_id, address FROM address_to_match"
        ).fetchall():
            answer = answers.get(address, Answer(None))
            is_found = answer.uprn is not None
            connection.execute(
                "INSERT INTO found VALUES (?, ?, ?, ?, ?)",
                [
                    address_id,
                    ids[answer.uprn] if is_found else None,
                    answer.reason if is_found else None,
                    answer.weight,
                    answer.lead,
                ],
            )

    return look_up
