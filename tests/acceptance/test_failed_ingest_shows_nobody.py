"""A run that fails at ingest shows no one: a canary in names, headers, files and cells is in no output."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from terminal import SampleProject, hearth

from flows.run.run import RunRequest, run_pipeline
from governance.errors import Fault
from pipeline.leakage.search import search_tree
from pipeline.leakage.search_pattern import PatternSearch, search_patterns_of

pytestmark = pytest.mark.slow

NAME, STREET, NUMBER = "Zyxquorble", "Qvetchwimble", "9996356744"
SEARCH = PatternSearch(search_patterns_of({"surname": NAME, "street": STREET, "NHS number": NUMBER}))


def nhs(project: SampleProject) -> Path:
    return project.folder / "nhs_person.csv"


def read(path: Path) -> str:
    return path.read_text("utf-8-sig")


def write(path: Path, text: str | bytes) -> None:
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def change_config(project: SampleProject, pattern: str, replacement: str) -> None:
    text, times = re.subn(pattern, replacement, project.config.read_text("utf-8"), count=1)
    assert times == 1
    project.config.write_text(text, "utf-8")


def without_header(project: SampleProject) -> None:
    _, rows = read(nhs(project)).split("\n", 1)
    first = f'"{NUMBER}","{NAME}","{STREET}"' + ',"x"' * 21
    write(nhs(project), f"{first}\n{rows}")


def name_in_header(project: SampleProject) -> None:
    text = read(nhs(project))
    write(nhs(project), text.replace('"postcode"', f'"postcode for {NAME} {NUMBER}"', 1))


def name_alone_in_header(project: SampleProject) -> None:
    write(nhs(project), read(nhs(project)).replace('"forename"', f'"{NAME}"', 1))


def name_in_the_map(project: SampleProject) -> None:
    change_config(project, r'birth_date = "date_of_birth"', f'birth_date = "{NAME} {STREET}"')


def quote_left_open(project: SampleProject) -> None:
    write(nhs(project), f'"{NAME}\n{STREET},{NUMBER}\n')


def other_encoding(project: SampleProject) -> None:
    write(nhs(project), read(nhs(project)).encode() + f'"{NAME} ü","{NUMBER}"\n'.encode("cp1252"))


def file_named_after_a_person(project: SampleProject) -> None:
    change_config(project, r'"nhs_person\.csv"', f'"{NAME} {STREET} {NUMBER}.csv.gz"')


def file_that_is_not_gzip(project: SampleProject) -> None:
    (project.folder / f"{NAME}.csv.gz").write_text(f"{STREET},{NUMBER}\n")
    change_config(project, r'"nhs_person\.csv"', f'"{NAME}.csv.gz"')


def table_named_after_a_person(project: SampleProject) -> None:
    change_config(project, r"\[extracts\.nhs_event\]", f"[extracts.{NAME}]")


def manifest_with_a_name(project: SampleProject) -> None:
    nhs(project).with_name(f"{nhs(project).name}.manifest.json").write_text(
        f'{{"{NAME}": 1, "sha256": "{NUMBER}", "rows": "{STREET}"}}'
    )


def nested_parquet(project: SampleProject) -> None:
    content = io.BytesIO()
    pq.write_table(pa.table({"record_id": [NUMBER], NAME: [[STREET]]}), content)
    (project.folder / f"{NAME}.parquet").write_bytes(content.getvalue())
    change_config(project, r'"nhs_person\.csv"', f'"{NAME}.parquet"')


def damaged_parquet(project: SampleProject) -> None:
    content = io.BytesIO()
    pq.write_table(pa.table({"record_id": [f"{NAME}{n}" for n in range(5_000)]}), content)
    damaged = content.getvalue()[:400] + STREET.encode() + content.getvalue()[400 + len(STREET) :]
    (project.folder / f"{NAME}.parquet").write_bytes(damaged)
    change_config(project, r'"nhs_person\.csv"', f'"{NAME}.parquet"')


def parquet_that_is_text(project: SampleProject) -> None:
    (project.folder / f"{NAME}.parquet").write_text(f"{STREET},{NUMBER}\n")
    change_config(project, r'"nhs_person\.csv"', f'"{NAME}.parquet"')


def rows_that_cannot_be_parsed(project: SampleProject) -> None:
    text = read(nhs(project))
    rows = f'"{NUMBER}","{NAME}"\n' * (text.count("\n") // 4)
    write(nhs(project), text + rows)


def identifiers_in_a_code_column(project: SampleProject) -> None:
    lines = read(nhs(project)).split("\n")
    place = lines[0].replace('"', "").rstrip("\r").split(",").index("sex")
    for n in range(1, 40):
        cells = lines[n].split(",")
        cells[place] = f'"{NUMBER}"' if n % 2 else f'"{NAME}"'
        lines[n] = ",".join(cells)
    write(nhs(project), "\n".join(lines))


KINDS: tuple[tuple[Callable[[SampleProject], None], str], ...] = (
    (without_header, "ING-03"),
    (name_in_header, "ING-03"),
    (name_alone_in_header, "ING-03"),
    (name_in_the_map, "ING-03"),
    (quote_left_open, "ING-02"),
    (other_encoding, "ING-02"),
    (file_named_after_a_person, "ING-02"),
    (file_that_is_not_gzip, "ING-02"),
    (table_named_after_a_person, "EXTRACT_NOT_AGREED"),
    (manifest_with_a_name, "ING-01"),
    (nested_parquet, "ING-03"),
    (damaged_parquet, "ING-02"),
    (parquet_that_is_text, "ING-02"),
    (rows_that_cannot_be_parsed, "QUARANTINE_TOO_LARGE"),
    (identifiers_in_a_code_column, "IDENTIFIER_OUT_OF_PLACE"),
)


def assert_shows_nobody(workspace: Path, *printed: str) -> None:
    """Search everything printed and every file outside the clear zone (`quarantine/` keeps cells)."""
    for text in printed:
        assert not list(SEARCH.find(text.encode())), text
    found = search_tree(workspace, SEARCH, lambda path: path.parts[0] != "clear")
    assert found.files > 3
    assert not found.unreadable
    assert not found.hits


@pytest.mark.parametrize(("spoil", "code"), KINDS, ids=[spoil.__name__ for spoil, _ in KINDS])
def test_no_output_of_a_run_that_fails_at_ingest_shows_a_person(
    project: SampleProject,
    spoil: Callable[[SampleProject], None],
    code: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    spoil(project)
    outcome = run_pipeline(RunRequest.of(project.config, project.workspace))
    assert (outcome.status, outcome.code) == ("refused", code), outcome.reason
    captured = capfd.readouterr()
    run = project.workspace / "runs" / outcome.run_id
    # an extract that is not agreed is refused with the papers, before a stage writes its log
    logged = set() if code == "EXTRACT_NOT_AGREED" else {"run.log"}
    assert {path.name for path in run.iterdir()} >= {"run.json", "faults.log"} | logged
    told = f"{outcome.reason} {outcome.remedy} {outcome.as_json()}"
    assert_shows_nobody(project.workspace, captured.out, captured.err, told)


@pytest.mark.parametrize("text", [f"[{NAME} {STREET}\n", f'[project]\n"{NAME}" = {NUMBER}\n'])
def test_no_fault_of_hearth_toml_shows_a_person(project: SampleProject, text: str) -> None:
    project.config.write_text(project.config.read_text("utf-8").replace("[project]\n", text, 1))
    with pytest.raises(Fault) as caught:
        RunRequest.of(project.config, project.workspace)
    assert not list(SEARCH.find(str(caught.value).encode()))


@pytest.mark.parametrize("spoil", [without_header, name_in_header])
def test_the_command_and_prefects_database_show_no_person(
    project: SampleProject, spoil: Callable[[SampleProject], None]
) -> None:
    spoil(project)
    ran = hearth("run", "--config", project.config, "--workspace", project.workspace, "--json")
    assert ran.code == 2, ran.err
    assert ran.outcome["code"] == "ING-03"
    assert (project.workspace / "orchestrator").is_dir()
    assert_shows_nobody(project.workspace, ran.out, ran.err)
