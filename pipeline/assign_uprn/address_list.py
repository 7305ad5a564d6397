"""Whether an address list may be used: every UPRN a UPRN, every UPRN one address.

What is wrong is told with counts and lines. Rows without a UPRN or without an address are left out
and counted, for nothing can be assigned from them; rows that repeat count once.
"""

from dataclasses import dataclass
from typing import Any

import duckdb

from governance.errors import Fault, Finding
from pipeline.assign_uprn.loading import SHOWN_LINES, LoadedFile, shown_lines
from pipeline.assign_uprn.statements import run_statement


@dataclass(frozen=True)
class ListTolerance:
    """What an operator accepts of a list, having looked.

    faulty_rows: leave out rows whose UPRN is none, and rows that are no rows.
    several_addresses: a UPRN may stand with several addresses (a gazetteer's alternative ones).
    """

    faulty_rows: bool = False
    several_addresses: bool = False


def check_address_list(
    connection: duckdb.DuckDBPyConnection, loaded: LoadedFile, tolerance: ListTolerance
) -> dict[str, Any]:
    """Create `listed` of the loaded rows (`list_row`) and return its counts.

    Counts: rows (= usable + without_uprn + without_address + faulty), uprns, addresses.
    Raises Fault with every fault of the list.
    """
    where = loaded.settings.path.name
    run_statement(connection, "listed.sql")
    findings = [] if tolerance.faulty_rows else _faulty_rows(connection, loaded)
    several = connection.execute(
        """
        SELECT
            COUNT(*),
            SUM(addresses)
        FROM (SELECT COUNT(*) AS addresses FROM listed GROUP BY listed_id HAVING COUNT(*) > 1)
        """
    ).fetchall()[0]
    if several[0] and not tolerance.several_addresses:
        findings.append(
            Finding(
                "SEVERAL_ADDRESSES",
                where,
                f"{several[0]:,} UPRNs stand with {int(several[1]):,} different addresses; "
                "--several-addresses takes them for alternatives of one dwelling",
                several[0],
            )
        )
    counts = connection.execute(
        """
        SELECT
            COUNT(*),
            COUNT(*) FILTER (uprn IS NULL),
            COUNT(*) FILTER (uprn IS NOT NULL AND uprn_reason(uprn) IS NULL AND address IS NULL),
            COUNT(*) FILTER (uprn IS NOT NULL AND uprn_reason(uprn) IS NOT NULL)
        FROM list_row
        """
    ).fetchall()[0]
    rows, without_uprn, without_address, malformed = map(int, counts)
    addresses, uprns = connection.execute(
        "SELECT COUNT(*), COUNT(DISTINCT listed_id) FROM listed"
    ).fetchall()[0]
    if not addresses and not findings:
        findings.append(Finding("NO_ADDRESS", where, "no row has both a UPRN and an address", rows))
    if findings:
        raise Fault(
            "ADDRESS_LIST_FAULTY",
            f"The address list {where} cannot be used as it is.",
            "Mend the list, or accept what may be accepted with the option that is named.",
            tuple(findings),
        )
    return {
        "file": where,
        "sha256": loaded.sha256,
        "rows": rows + len(loaded.broken),
        "usable": rows - without_uprn - without_address - malformed,
        "without_uprn": without_uprn,
        "without_address": without_address,
        "faulty": malformed + len(loaded.broken),
        "uprns": int(uprns),
        "addresses": int(addresses),
    }


def _faulty_rows(connection: duckdb.DuckDBPyConnection, loaded: LoadedFile) -> list[Finding]:
    where, tolerate = loaded.settings.path.name, "--skip-faulty-rows leaves them out"
    malformed = connection.execute(
        """
        SELECT
            uprn_reason(uprn) AS reason,
            COUNT(*),
            list(line_number ORDER BY line_number)[:$lines]
        FROM list_row
        WHERE uprn IS NOT NULL
          AND uprn_reason(uprn) IS NOT NULL
        GROUP BY reason
        ORDER BY reason
        """,
        {"lines": SHOWN_LINES + 1},
    ).fetchall()
    findings = [
        Finding(
            reason, where, f"{count:,} rows have a UPRN that is none, {shown_lines(lines)}; {tolerate}", count
        )
        for reason, count, lines in malformed
    ]
    if loaded.broken:
        lines = [row.line for row in loaded.broken]
        what = f"{len(lines):,} rows are no rows of this table, {shown_lines(lines)}; {tolerate}"
        findings.append(Finding("BROKEN_ROW", where, what, len(lines)))
    return findings
