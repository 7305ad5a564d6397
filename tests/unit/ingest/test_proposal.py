"""What `hearth init FILES` proposes for messy files, and that no cell is shown."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from pipeline.ingest.proposal import propose

ROWS = "".join(
    f"{n};Ann;TARN;0{1 + n % 9}.12.1979;N/A;0161{n:07d};WA14 5T{'NPQR'[n % 4]}\n" for n in range(1, 40)
)
PATIENTS = "PERSON_REF;First Name;Last Name;D.O.B.;Gender;Remark;PCode\n" + ROWS


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    path = tmp_path / "gp_export.txt"
    path.write_bytes(PATIENTS.replace("TARN", "T\u00c4RN").encode("cp1252"))
    return path


def test_delimiter_encoding_dates_markers_and_columns_are_proposed(patients: Path) -> None:
    proposal = propose(patients)
    assert (proposal.table, proposal.encoding, proposal.delimiter) == ("nhs_person", "cp1252", ";")
    assert (proposal.date_formats, proposal.markers) == (("%d.%m.%Y",), ("N/A",))
    assert proposal.columns == {
        "record_id": "PERSON_REF",
        "forename": "First Name",
        "surname": "Last Name",
        "birth_date": "D.O.B.",
        "sex": "Gender",
        "postcode": "PCode",
    }
    assert proposal.ignore == ("Remark",)


def test_an_nhs_number_is_recognised_by_its_check_digit_whatever_its_column_is_called(tmp_path: Path) -> None:
    numbers = ["9990658854", "9995165880", "9994092065"] * 5
    rows = "".join(f"R{n},Ann,Tarn,1979-06-03,{number}\n" for n, number in enumerate(numbers))
    path = tmp_path / "patients.csv"
    path.write_text("record_id,forename,surname,dob,code\n" + rows)
    assert propose(path).columns["nhs_number"] == "code"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "patients.csv"
    path.write_bytes(PATIENTS.encode(encoding))
    assert propose(path).encoding == encoding.removesuffix("-sig")


def test_init_writes_a_project_that_a_check_can_read_and_shows_no_cell(
    patients: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    done: Any = CliRunner().invoke(app, ["init", str(folder), str(patients)])
    assert done.exit_code == 0, done.output
    written = tomllib.loads((folder / "hearth.toml").read_text())
    assert written["project"]["custody"] == "at-source"
    assert list(written["extracts"]) == ["nhs_person"]
    assert (folder / "agreement.toml").exists()
    assert "TARN" not in done.output + (folder / "hearth.toml").read_text()
    checked = CliRunner().invoke(app, ["check", "--config", str(folder / "hearth.toml"), "--json"])
    assert '"nhs_person": 39' in checked.output


def test_a_file_that_is_no_extract_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("a,b\n1,2\n")
    done: Any = CliRunner().invoke(app, ["init", str(tmp_path / "p"), str(path)])
    assert done.exception.code == "EXTRACT_UNLIKE_CONTRACTS"
    assert not (tmp_path / "p").exists()
