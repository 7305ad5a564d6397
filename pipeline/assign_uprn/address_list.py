"""Checks an address list: every UPRN must be valid and have one address.

Faults are reported with counts and line numbers. Rows without a UPRN or without an address cannot be used, so
they are left out and counted. Rows that are repeated count once.
"""

from dataclasses import dataclass
from typing import Any

import duckdb

from governance.counted import counted
from governance.errors import Fault, Finding
from pipeline.assign_uprn.loading import SHOWN_LINES, LoadedFile, shown_lines
from pipeline.assign_uprn.statements import run_statement
from pipeline.printable import shown_file


@dataclass(frozen=True)
class ListTolerance:
    """Faults of an address list that the operator accepts.

    faulty_rows: leave out rows with an invalid UPRN, and rows that cannot be parsed.
    several_addresses: a UPRN may have several addresses, as in a gazetteer with alternative addresses.
    """

    faulty_rows: bool = False
    several_addresses: bool = False


def check_address_list(
    connection: duckdb.DuckDBPyConnection, loaded: LoadedFile, tolerance: ListTolerance
) -> dict[str, Any]:
    """Create the table `listed` (see `sql/listed.sql`) from the loaded rows (`list_row`); returns its counts.

    Counts: file, sha256, rows (= usable + without_uprn + without_address + faulty), uprns, addresses.
    Raises Fault with every fault of the list that `tolerance` does not accept.
    """
    where = shown_file(loaded.settings.path)
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
                f"{counted(several[0], 'UPRN has', 'UPRNs have')} several addresses, {int(several[1]):,} in "
                "total; if these are alternative addresses of one dwelling, add --several-addresses",
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
            f"The address list {where} has faults, so no addresses were looked up.",
            "Correct the list, or add the option given with the fault. Then repeat `hearth assign-uprn`.",
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
    where, remedy = shown_file(loaded.settings.path), "to leave out such rows, add --skip-faulty-rows"
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
            reason,
            where,
            f"{counted(count, 'row has', 'rows have')} an invalid UPRN, {shown_lines(lines)}; {remedy}",
            count,
        )
        for reason, count, lines in malformed
    ]
    if loaded.broken:
        lines = [row.line for row in loaded.broken]
        what = f"{counted(len(lines), 'row')} could not be parsed, {shown_lines(lines)}; {remedy}"
        findings.append(Finding("BROKEN_ROW", where, what, len(lines)))
    return findings
