"""`hearth.toml`: where a project's extracts are, what their columns are called, what a run may use.

This is the only place that reads the file. The operator writes it; what the controllers decide together is in
the agreement instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from governance.counted import counted
from governance.errors import Fault, Finding
from pipeline.config_file import read_config
from pipeline.engine.duckdb import EngineSettings
from pipeline.printable import shown, shown_in_quotes

CUSTODY_MODES = ("at-source", "third-party", "single-operator")
ENCODINGS = ("utf-8", "cp1252", "utf-16", "utf-16-le", "utf-16-be")
#: Bytes without a character in cp1252 that a file may have; their rows go to quarantine.
UNDEFINED_BYTES = 20


@dataclass(frozen=True)
class ExtractSettings:
    """The file of one extract table, as the supplier wrote it.

    table: name of the contract. path: absolute. columns: contract column -> supplier's column; a contract
    column that is not listed has the same name in the file. ignore: supplier's columns that must not be
    read. date_formats: the strptime formats that the supplier declared; no other is accepted. manifest:
    None for the default, `<file>.manifest.json` next to the file. header: whether the first line has the
    names of the columns; if not, `column_order` has the contract's columns, or names listed under ignore, in
    the order of the file. default_values: contract column -> texts that the supplier enters for "missing".
    covers: the first and last day of the period that the supplier states for the rows; None if not stated.
    missing_markers: texts that mean "missing" in any column. undefined_bytes: how many bytes without a
    character in cp1252 are tolerated. time_zone: in which typed timestamps are read.
    """

    table: str
    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    encoding: str = "utf-8"
    delimiter: str = ","
    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    manifest: Path | None = None
    header: bool = True
    column_order: tuple[str, ...] = ()
    default_values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    covers: tuple[date, date] | None = None
    missing_markers: tuple[str, ...] = ()
    undefined_bytes: int = UNDEFINED_BYTES
    time_zone: str = "Europe/London"


@dataclass(frozen=True)
class Correction:
    """A correction: values of an epoch are published again before the epoch ends, as an epoch of its own.

    epoch: the epoch that is corrected, such as "2026-Q1". number: 1 for its first correction. reason: printed
    with the release.
    """

    epoch: str
    number: int
    reason: str


@dataclass(frozen=True)
class Project:
    """One `hearth.toml`, checked; every path is absolute.

    custody: one of CUSTODY_MODES. production: whether people must be taken for real: always, unless one
    operator has everything; then the data must show that they are invented (rule ING-10), and the setting
    `production = true` only makes the run stricter. workspace: root of the folder tree. model: a trained
    linkage model; None for the one that Hearth includes. signing_keys: keys of the principals who start runs
    and who release. truth: true pairs of a synthetic population, for the quality report; None with real
    people.
    """

    name: str
    folder: Path
    custody: str
    production: bool
    reference_date: date
    agreement: Path
    workspace: Path
    model: Path | None
    engine: EngineSettings
    keys: Mapping[str, Any]
    extracts: Mapping[str, ExtractSettings]
    signing_keys: tuple[Path, ...] = ()
    truth: Path | None = None
    correction: Correction | None = None

    def __post_init__(self) -> None:
        if self.custody != "single-operator":
            object.__setattr__(self, "production", True)

    def configured_folders(self) -> dict[str, Path]:
        """Return every folder that hearth.toml names, by what it is for; the workspace is not among them."""
        named = {
            "project": self.folder,
            "agreement": self.agreement.parent,
            **{f"signing key {n}": path.parent for n, path in enumerate(self.signing_keys, 1)},
            **{f"extract {table}": settings.path.parent for table, settings in self.extracts.items()},
            **{f"keys {n}": path for n, path in enumerate(_paths_in(self.keys, self.folder), 1)},
        }
        known: set[Path] = set()
        folders: dict[str, Path] = {}
        for purpose, folder in named.items():
            if folder.is_dir() and not any(folder.resolve().is_relative_to(other) for other in known):
                known.add(folder.resolve())
                folders[purpose] = folder
        return folders


def _paths_in(settings: Mapping[str, Any], folder: Path) -> list[Path]:
    """Return the folders of the paths that the [keys] tables name, relative to hearth.toml's folder."""
    found: list[Path] = []
    for value in settings.values():
        if isinstance(value, Mapping):
            found += _paths_in(value, folder)
        elif isinstance(value, str) and (path := folder / Path(value).expanduser()).exists():
            found.append(path if path.is_dir() else path.parent)
    return found


def read_project(path: Path, workspace: Path | None = None) -> Project:
    """Read and check a `hearth.toml`. `workspace`, if given, is used instead of the one in the file.

    Raises Fault: CONFIG_UNREADABLE, CONFIG_SYNTAX (not TOML), or CONFIG_INVALID with every mistake.
    """
    reader = _Reader(read_config(path), path.absolute().parent)
    project = reader.project(path, workspace)
    if reader.findings:
        raise Fault(
            "CONFIG_INVALID",
            f"{path} has {counted(len(reader.findings), 'mistake')}, so nothing was started.",
            "Correct each of them, then repeat the command. `hearth init my-project` writes an example with "
            "comments.",
            tuple(reader.findings),
        )
    return project


class _Reader:
    def __init__(self, raw: dict[str, Any], folder: Path) -> None:
        self.raw = raw
        self.folder = folder
        self.findings: list[Finding] = []

    def project(self, path: Path, workspace: Path | None) -> Project:
        self._known("hearth.toml", self.raw, {"project", "engine", "keys", "extracts", "correction"})
        section = self._table("project", self.raw.get("project", {}))
        self._known(
            "[project]",
            section,
            {
                "name",
                "custody",
                "production",
                "reference_date",
                "agreement",
                "workspace",
                "model",
                "signing_keys",
                "truth",
            },
        )
        engine = self._table("engine", self.raw.get("engine", {}))
        self._known("[engine]", engine, {"threads", "memory_limit"})
        extracts = {
            name: self._extract(name, self._table(f"extracts.{shown(name)}", value))
            for name, value in self._table("extracts", self.raw.get("extracts", {})).items()
        }
        reference = section.get("reference_date")
        if not isinstance(reference, date):
            self._fault("[project] reference_date", "must be a date such as 2026-03-31")
            reference = date.min
        custody = self._choice("[project] custody", section.get("custody", "at-source"), CUSTODY_MODES)
        if not extracts and custody == "single-operator":
            self._fault("[extracts]", "lists no extract; add a table such as [extracts.council_property]")
        model, truth = section.get("model"), section.get("truth")
        return Project(
            name=self._text("[project] name", section.get("name", path.absolute().parent.name)),
            folder=self.folder,
            custody=custody,
            production=self._flag("[project] production", section.get("production", False)),
            reference_date=reference,
            agreement=self._path("[project] agreement", section.get("agreement", "agreement.toml")),
            workspace=(
                workspace.expanduser().absolute()
                if workspace
                else self._path("[project] workspace", section.get("workspace", "workspace"))
            ),
            truth=None if truth is None else self._path("[project] truth", truth),
            model=None if model is None else self._path("[project] model", model),
            engine=EngineSettings(
                threads=self._number("[engine] threads", engine.get("threads", 2)),
                memory_limit=self._text("[engine] memory_limit", engine.get("memory_limit", "2GB")),
            ),
            keys=self._table("keys", self.raw.get("keys", {})),
            extracts=extracts,
            correction=self._correction(),
            signing_keys=tuple(
                self._path("[project] signing_keys", item)
                for item in self._texts("[project] signing_keys", section.get("signing_keys", []))
            ),
        )

    def _correction(self) -> Correction | None:
        if "correction" not in self.raw:
            return None
        section = self._table("correction", self.raw["correction"])
        self._known("[correction]", section, {"epoch", "number", "reason"})
        return Correction(
            epoch=self._text("[correction] epoch", section.get("epoch")),
            number=self._number("[correction] number", section.get("number", 1)),
            reason=self._text("[correction] reason", section.get("reason")),
        )

    def _extract(self, name: str, section: dict[str, Any]) -> ExtractSettings:
        where = f"[extracts.{shown(name)}]"
        self._known(
            where,
            section,
            {
                "path",
                "columns",
                "header",
                "ignore",
                "encoding",
                "delimiter",
                "date_formats",
                "manifest",
                "default_values",
                "covers",
                "missing_markers",
                "undefined_bytes",
                "time_zone",
            },
        )
        if "path" not in section:
            self._fault(where, "path is missing: it gives the file of the extract")
        header = self._flag(f"{where} header", section.get("header", True))
        path = self._path(f"{where} path", section.get("path", ""))
        manifest = section.get("manifest")
        return ExtractSettings(
            table=name,
            path=path,
            columns=self._column_names(where, section.get("columns", {})) if header else {},
            ignore=self._texts(f"{where} ignore", section.get("ignore", [])),
            encoding=self._choice(f"{where} encoding", section.get("encoding", "utf-8"), ENCODINGS),
            delimiter=self._delimiter(f"{where} delimiter", section.get("delimiter", ",")),
            date_formats=self._texts(f"{where} date_formats", section.get("date_formats", ["%Y-%m-%d"])),
            manifest=None if manifest is None else self._path(f"{where} manifest", manifest),
            header=header,
            column_order=() if header else self._column_order(where, path, section.get("columns")),
            default_values={
                name: self._texts(f"{where} default_values.{shown(name)}", texts)
                for name, texts in self._table(
                    f"{where[1:-1]}.default_values", section.get("default_values", {})
                ).items()
            },
            covers=self._period(f"{where} covers", section.get("covers")),
            missing_markers=self._texts(f"{where} missing_markers", section.get("missing_markers", [])),
            undefined_bytes=self._count(
                f"{where} undefined_bytes", section.get("undefined_bytes", UNDEFINED_BYTES)
            ),
            time_zone=self._zone(f"{where} time_zone", section.get("time_zone", "Europe/London")),
        )

    def _delimiter(self, where: str, value: Any) -> str:
        if isinstance(value, str) and len(value) == 1 and not value.isalnum() and value not in '"\r\n\0 ':
            return value
        self._fault(where, "must be one character that is no letter, digit, blank or quotation mark")
        return ","

    def _zone(self, where: str, value: Any) -> str:
        try:
            return ZoneInfo(self._text(where, value)).key
        except (ValueError, OSError, ZoneInfoNotFoundError):
            self._fault(where, 'must be the name of a time zone, such as "Europe/London"')
            return "Europe/London"

    def _count(self, where: str, value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self._fault(where, "must be a whole number of 0 or more")
        return 0

    def _period(self, where: str, value: Any) -> tuple[date, date] | None:
        if value is None:
            return None
        if isinstance(value, list) and len(value) == 2 and all(type(day) is date for day in value):
            first, last = value
            if first <= last:
                return first, last
        self._fault(where, "must be two dates without quotes, such as [2025-04-01, 2026-03-31], in order")
        return None

    def _column_names(self, where: str, value: Any) -> dict[str, str]:
        if isinstance(value, list):
            self._fault(f"{where} columns", "is a list, which needs `header = false` in the same table")
            return {}
        columns = self._table(f"{where[1:-1]}.columns", value)
        return {k: self._text(f"{where} columns.{shown(k)}", v) for k, v in columns.items()}

    def _column_order(self, where: str, path: Path, value: Any) -> tuple[str, ...]:
        """Return the columns of a file without a header line, in its order."""
        if path.suffix.lower() in {".parquet", ".pq"}:
            self._fault(f"{where} header", "must be true: a Parquet file always has the names of its columns")
        if not isinstance(value, list) or not value or not all(isinstance(v, str) and v for v in value):
            self._fault(
                f"{where} columns",
                'must list the columns in the order of the file, such as ["record_id", "uprn"], because '
                "header is false",
            )
            return ()
        return tuple(value)

    def _fault(self, where: str, what: str) -> None:
        self.findings.append(Finding("CONFIG", where, what))

    def _known(self, where: str, section: Mapping[str, Any], names: set[str]) -> None:
        for name in sorted(set(section) - names):
            what = f"unknown setting {shown_in_quotes(name)}; the known ones are {', '.join(sorted(names))}"
            self._fault(where, what)

    def _table(self, where: str, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self._fault(f"[{where}]", "must be a table")
        return {}

    def _text(self, where: str, value: Any) -> str:
        if isinstance(value, str) and value:
            return value
        self._fault(where, "must be text")
        return ""

    def _texts(self, where: str, value: Any) -> tuple[str, ...]:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self._fault(where, "must be a list of texts")
        return ()

    def _flag(self, where: str, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        self._fault(where, "must be true or false")
        return False

    def _number(self, where: str, value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        self._fault(where, "must be a whole number above zero")
        return 1

    def _choice(self, where: str, value: Any, choices: tuple[str, ...]) -> str:
        if value in choices:
            return str(value)
        self._fault(where, f"must be one of {', '.join(repr(c) for c in choices)}")
        return choices[0]

    def _path(self, where: str, value: Any) -> Path:
        return (self.folder / Path(self._text(where, value)).expanduser()).absolute()
