"""The parts of addresses (unit, number, building, street), by which a found address is checked once more.

The matcher compares words with weights. It can prefer "1 CROMWELL ROAD" for "1 CLINIC ROAD", or flat C for
flat A. The parser of the linkage fields reads both addresses into parts, and SQL compares these.
"""

import re

import duckdb
import pyarrow as pa

from pipeline.engine.tables import BATCH_ROWS
from pipeline.pseudonymise.match_fields.address import parse_address
from pipeline.pseudonymise.match_fields.tables import read_mapping
from pipeline.pseudonymise.match_fields.text import plain_upper

_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("address", "postcode", "unit", "premises", "building", "street")),
        ("code", pa.string()),
        ("words", pa.list_(pa.string())),
    ]
)
_WORD = re.compile(r"[A-Z]{3,}")


def create_parts(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table `part`: one row per distinct address and postcode of `listed` and `address_to_match`.

    code: the postcode without spaces, NULL if it is not one. words: the words of three letters or more,
    without those for a kind of street.
    """
    connection.register("part_batch", _SCHEMA.empty_table())
    connection.execute("CREATE TABLE part AS SELECT * FROM part_batch")
    connection.unregister("part_batch")
    distinct = connection.cursor().sql(
        "SELECT address, postcode FROM listed UNION SELECT address, postcode FROM address_to_match"
    )
    for batch in distinct.to_arrow_reader(BATCH_ROWS):
        parsed = [_parts(row["address"], row["postcode"]) for row in batch.to_pylist()]
        connection.register("part_batch", pa.Table.from_pylist(parsed, schema=_SCHEMA))
        connection.execute("INSERT INTO part SELECT * FROM part_batch")
        connection.unregister("part_batch")


def _parts(text: str, postcode: str | None) -> dict[str, str | list[str] | None]:
    address = parse_address([text], postcode)
    kinds = read_mapping("street_word")
    words = {word for word in _WORD.findall(plain_upper(text)) if word not in kinds}
    return {
        "address": text,
        "postcode": postcode,
        "unit": address.unit,
        "premises": address.premises,
        "building": address.building,
        "street": address.street,
        "code": address.postcode,
        "words": sorted(words - set(kinds.values())),
    }
