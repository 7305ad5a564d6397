"""The evidence pack against the validator of the RO-Crate community, without a network.

The test runs where the package roc-validator is installed; Hearth does not need it. The JSON-LD context that
the validator would fetch is the one that the package rocrate has.
"""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from governance.audit.log import AuditLog
from governance.report.crate import write_crate
from governance.report.facts import ReportFacts

from .test_report import SAMPLE, facts

__all__ = ["facts"]


def test_the_pack_has_everything_that_the_ro_crate_specification_requires(
    tmp_path: Path, audit: AuditLog, facts: ReportFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = pytest.importorskip("rocrate_validator.services")
    requests = pytest.importorskip("requests")
    http = pytest.importorskip("rocrate_validator.utils.http")
    models = pytest.importorskip("rocrate_validator.models")
    fetched: list[str] = []

    def get(_: Any, url: str, *__: Any, **___: Any) -> Any:
        fetched.append(url)
        answer = requests.Response()
        answer.status_code = 200 if url.endswith("/context") else 504
        answer.headers["Content-Type"] = "application/ld+json"
        answer._content = (files("rocrate") / "data" / "ro-crate.jsonld").read_bytes()
        return answer

    monkeypatch.setattr(http.HttpRequester, "get", get, raising=False)
    monkeypatch.setattr(http.HttpRequester, "head", get, raising=False)
    folder = tmp_path / "pack"
    write_crate(facts, audit.folder.parent, SAMPLE, folder)
    result = services.validate(
        {
            "rocrate_uri": str(folder),
            "profile_identifier": "ro-crate-1.2",
            "requirement_severity": models.Severity.REQUIRED,
            "offline": True,
        }
    )
    assert fetched
    found = [(issue.check.identifier, issue.message) for issue in result.get_issues()]
    assert found == []
