"""`hearth check`: what it finds before any agreement exists, what it leaves behind, and its letter."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.check.examine import Examined, examine
from flows.check.letter import letter, ranges
from flows.check.report import as_html, as_json, as_text
from flows.cli import app

PROPERTY = "record_id,uprn,postcode\nP1,100012345678,WA14 5TN\nP2,12x,WA14 5TN\n"
PEOPLE = (
    "record_id,nhs_number,forename,surname,birth_date,uprn,sex\n"
    "N1,9990658854,Ann,Tarn,1979-06-03,100012345678,2\n"
    "N2,,Ann,Tarn,1979-06-03,100012345678,Z9Z9\n"
    "TRAILER,2,,,,,\n"
)


@pytest.fixture
def examined(bench: Any) -> Examined:
    bench.put("council_property", PROPERTY)
    bench.put("nhs_person", PEOPLE)
    return examine(bench.project(), lambda _: None)


def found(examined: Examined) -> dict[tuple[str, str], Any]:
    return {(finding.where, finding.code): finding for finding in examined.findings}


def test_each_finding_has_its_rows_its_effect_and_a_request(examined: Examined) -> None:
    findings = found(examined)
    sex = findings["nhs_person.sex", "UNKNOWN_CODE"]
    effect = "The row is in the category unknown where figures need sex."
    assert (sex.rows, sex.lines, sex.effect) == (1, (3,), effect)
    assert findings["nhs_person", "TRAILER_ROW"].rows == 1
    assert findings["nhs_person.nhs_number", "SAME_PERSON"].level == "repaired"
    assert findings["council_property.uprn", "NOT_DIGITS"].lines == (3,)
    assert all(finding.effect and finding.ask for finding in examined.findings)


def test_a_run_that_would_be_refused_is_said_to_stop_with_the_rule(examined: Examined) -> None:
    stops = [finding for finding in examined.findings if finding.level == "stops"]
    assert {finding.where for finding in stops} == {"council (ING-05)", "nhs (ING-03)"}
    assert examined.would_stop


def test_no_report_has_a_cell(examined: Examined) -> None:
    reports = as_text(examined), as_html(examined), json.dumps(as_json(examined))
    for report in reports:
        assert "TRAILER_ROW" in report
        for cell in ("Tarn", "12x", "9990658854", "100012345678", "Z9Z9"):
            assert cell not in report


def test_a_check_leaves_nothing_but_the_report(bench: Any) -> None:
    bench.put("council_property", PROPERTY)
    before = sorted(bench.folder.rglob("*"))
    examine(bench.project(), lambda _: None)
    assert sorted(bench.folder.rglob("*")) == before
    assert not list(Path("/dev/shm").glob("hearth-check-*/clear")) or not Path("/dev/shm").is_dir()


def test_faults_of_a_file_do_not_hide_what_is_wrong_with_the_others(bench: Any) -> None:
    bench.put("council_property", PROPERTY)
    bench.put("council_person", "nothing;of;this\n1;2;3\n")
    findings = found(examine(bench.project(), lambda _: None))
    assert ("council_property.uprn", "NOT_DIGITS") in findings
    assert any(where == "council_person" and code == "ING-03" for where, code in findings)


def test_uprns_of_two_sides_that_do_not_meet_stop_the_run(bench: Any) -> None:
    rows = range(100_012_345_000, 100_012_345_120)
    bench.put("council_property", "record_id,uprn\n" + "".join(f"P{n},{n}\n" for n in rows))
    people = "record_id,forename,uprn\n" + "".join(f"N{n},Ann,{n + 500_000}\n" for n in rows)
    bench.put("nhs_person", people)
    findings = found(examine(bench.project(), lambda _: None))
    assert findings["both (ING-15)", "UPRNS_DO_NOT_MEET"].level == "stops"


def test_a_letter_is_about_its_own_controllers_extracts_with_line_numbers(
    bench: Any, examined: Examined
) -> None:
    text = letter(examined, bench.project(), "nhs")
    assert ". sex: " in text
    assert "What it is worth: The row is in the category unknown where figures need sex." in text
    assert "Lines: 3" in text
    assert "council_property" not in text
    for cell in ("Tarn", "9990658854", "Z9Z9"):
        assert cell not in text


def test_line_numbers_that_follow_each_other_are_a_range() -> None:
    assert ranges([2, 5, 6, 7, 7, 9]) == "2, 5-7, 9"


def test_the_command_writes_the_page_and_each_letter_in_the_zone_of_its_controller(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(PROPERTY)
    config = tmp_path / "hearth.toml"
    config.write_text(
        '[project]\ncustody = "at-source"\nreference_date = 2026-03-31\n'
        '[extracts.council_property]\npath = "p.csv"\n'
    )
    done = CliRunner().invoke(
        app, ["check", "--config", str(config), "--html", str(tmp_path / "c.html"), "--letter", "--json"]
    )
    assert done.exit_code == 2
    assert json.loads(done.stdout.splitlines()[-1])["rows"] == {"council_property": 2}
    assert "<h1>Check of the extracts</h1>" in (tmp_path / "c.html").read_text()
    written = [path.relative_to(tmp_path / "workspace") for path in tmp_path.rglob("letter-*")]
    assert written == [Path("clear/council/letters/letter-2026-03-31.txt")]
