"""The quality stage: measures the errors of the links while the linked records are still available.

It runs between link and publish, because a run removes the pseudonymised tables at its end. Its results
are kept in the linkage zone, under that zone's retention and key: counts by group, and a sample of
comparison vectors without the pseudonyms of either side (for clerical review).

Evidence facts that LNK-06 judges:

- `nhs_records`, `dwellings`
- `unexplained_records`, `unexplained_dwellings`: neither linked nor given a reason; must be 0
- `incomplete_links`: links without match weight, probability, key, level, evidence bits or margin; must be 0
- `records_by_reason`, `dwellings_by_reason`
- `review_cases`, `review_strata`: size of the review sample
- `true_pairs`: true pairs that the links were compared with; null where the project names no truth

Evidence facts that LNK-08 judges, with the newest clerical review in the audit log:

- `model_digest`: the model that made the links
- `measured`: list of {`unit` ("records" or "households"), `right`, `links`}; empty without true pairs
- `people_compared`: decisions for which people could be compared; if 0, precision cannot be estimated
- `estimated_precision`, `estimated_precision_low`: mean probability that a linked current registration has
  the right dwelling and lives there, and the lower end of its 95% interval (0 to 1; null if none is linked);
  see `pipeline/quality/precision_interval.py`
"""

from pathlib import Path
from typing import Any

import duckdb

from governance.artefact import Artefact, Evidence
from governance.clearance import Cleared
from pipeline.artefact_store import write_artefact
from pipeline.context import RunContext
from pipeline.engine.duckdb import locked_connection
from pipeline.engine.tables import write_query
from pipeline.link.model import model_of
from pipeline.quality.counting import SQL, TruePairs, count_quality, load_links
from pipeline.quality.precision_facts import precision_facts
from pipeline.quality.review.sample import draw_cases

STAGE = "quality"


def fingerprint_settings(context: RunContext, truth: TruePairs | None) -> dict[str, Any]:
    """Return what the figures depend on in addition to the links: reference date and truth, if any."""
    return {
        "reference_date": context.project.reference_date.isoformat(),
        "truth": None if truth is None else truth.digest,
    }


def quality(
    linked: Cleared,
    council: Cleared,
    nhs: Cleared,
    fingerprint: str,
    context: RunContext,
    truth: TruePairs | None = None,
) -> tuple[Artefact, Evidence]:
    """Count how well each group was linked, and draw the sample for clerical review."""

    def fill(folder: Path) -> tuple[dict[str, int | None], Evidence]:
        with locked_connection(context.project.engine, context.spill) as connection:
            load_links(
                connection,
                linked.artefact,
                council.artefact,
                nhs.artefact,
                context.project.reference_date,
                truth,
            )
            draw_cases(connection)
            connection.execute(f"CREATE TEMP TABLE quality_count AS {count_quality(connection, truth)}")
            queries = {
                "quality_count": "SELECT * FROM quality_count ORDER BY unit, attribute, category",
                "match_weight": SQL.read("match_weight"),
                "review_case": "SELECT * FROM review_case ORDER BY band, stratum_group, drawn_as",
            }
            rows: dict[str, int | None] = {
                f"{table}.parquet": write_query(connection, query, folder / f"{table}.parquet")
                for table, query in queries.items()
            }
            facts = _facts(connection) | precision_facts(connection)
        context.report(f"quality: {facts['review_cases']:,} pairs kept for clerical review")
        facts["true_pairs"] = None if truth is None else truth.pairs
        facts["model_digest"] = model_of(context).digest
        return rows, Evidence(STAGE, "all", facts)

    return write_artefact(context.workspace.zone("linkage"), STAGE, "all", fingerprint, fill)


def _facts(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    cursor = connection.execute(SQL.read("account"))
    names = [column[0] for column in cursor.description]
    facts: dict[str, Any] = dict(zip(names, cursor.fetchall()[0], strict=True))
    for table, name in (("record", "records_by_reason"), ("dwelling", "dwellings_by_reason")):
        facts[name] = dict(
            connection.execute(
                f"SELECT reason, COUNT(*) FROM quality_{table} GROUP BY reason ORDER BY reason"
            ).fetchall()
        )
    facts["review_cases"], facts["review_strata"] = connection.execute(
        "SELECT COUNT(*), COUNT(DISTINCT (band, stratum_group)) FROM review_case"
    ).fetchall()[0]
    return facts
