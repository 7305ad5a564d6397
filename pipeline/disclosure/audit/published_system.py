"""The attacker's view of a release: every count that an outsider can name, its bounds, and every sum.

It is built only from published values and public facts: which areas are within which, which areas have the
same deprivation decile or are in an air quality zone, the minimum, the rounding base and the noise bound. The
audit before a release and `hearth attack` after it build the same system.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.disclosure.relations.links import add_links
from pipeline.disclosure.statements import create_table

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.object_]

#: Dimensions whose category follows from a public attribute of the area: name -> SQL of the category.
_AREA_DIMENSIONS = {
    "imd_decile": "CAST(imd_decile AS VARCHAR)",
    "imd_quintile": "CAST((imd_decile + 1) // 2 AS VARCHAR)",
    "aqma": "CASE WHEN aqma THEN 'inside' ELSE 'outside' END",
}


@dataclass(frozen=True)
class PublicRules:
    """The public settings of the method; they are published with the release.

    minimum_cell_count: households below which a count is hidden. rounding_base: published counts are
    multiples of it. noise_bound: largest noise in either direction; 0 without noise.
    """

    minimum_cell_count: int
    rounding_base: int
    noise_bound: int

    @property
    def is_exact(self) -> bool:
        """Answer whether counts have no noise; larger counts are then hidden to protect small ones."""
        return self.noise_bound == 0

    @property
    def largest_hidden(self) -> float:
        """The largest possible hidden household count; infinite without noise."""
        return np.inf if self.is_exact else self.minimum_cell_count - 1 + self.noise_bound

    @classmethod
    def read(cls, criteria: Mapping[str, Any]) -> "PublicRules":
        """Return the rules from `disclosure_criteria.json` or `Profile.settings`."""
        return cls(
            int(criteria["minimum_cell_count"]), int(criteria["rounding_base"]), int(criteria["noise_bound"])
        )


@dataclass(frozen=True)
class PublishedSystem:
    """Cells, numbered from 0, with their bounds, and the sums between them.

    Arrays with one entry per cell:
        lower, upper: bounds of the exact count, in households or residents. hidden: whether it is published
        as `[c]`. printed: whether it has a published value. difference: whether it is the difference of two
        counts of one unit, the smaller within the larger by definition. measure_group: its measure; of a
        complement or difference, that of the smaller count; measures with equal counts have one group.
        moves_with: of a complement or difference, the measure group of the larger count; otherwise empty.
        breakdown: its dimensions. block_area: the MSOA of its area; of larger areas, the authority.
        authority: the local authority.

    Arrays with one entry per cell of a sum, in the order of the sums:
        member_relation: number of the sum. member_cell: number of the cell. member_sign: 1 for a part, -1 for
        the total, so that sign times count adds up to zero. member_over_areas: whether the sum is over areas;
        such a sum may be wrong if the values of some areas were carried forward from an earlier epoch.
    """

    lower: Floats
    upper: Floats
    hidden: Flags
    printed: Flags
    difference: Flags
    member_relation: Whole
    member_cell: Whole
    member_sign: Floats
    member_over_areas: Flags
    measure_group: Names
    moves_with: Names
    breakdown: Names
    block_area: Names
    authority: Names

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.lower)

    def within_areas(self) -> "PublishedSystem":
        """Return the system without sums over areas, for a release with values of different epochs."""
        kept = ~self.member_over_areas
        _, relation = np.unique(self.member_relation[kept], return_inverse=True)
        return replace(
            self,
            member_relation=relation.astype(np.int64),
            member_cell=self.member_cell[kept],
            member_sign=self.member_sign[kept],
            member_over_areas=self.member_over_areas[kept],
        )


def create_system(
    connection: duckdb.DuckDBPyConnection, rules: PublicRules, area: pa.Table
) -> PublishedSystem:
    """Build the system from `shown` and `denominator_of`; also creates `system_cell`, which names the cells.

    shown: one row per published count (unit, measure, area_level, area_code, dimension_1 ... category_2,
    value, shorthand). denominator_of: one row per numerator (measure, unit, denominator_measure).
    area: one row per LSOA (lsoa21, msoa21, local_authority and, if public, imd_decile and aqma).
    """
    _create_areas(connection, area)
    create_table(connection, "system_cell")
    _add_complements(connection)
    add_links(connection, rules.is_exact)
    create_table(connection, "system_member")
    cells = connection.sql(
        """
        SELECT
            value,
            is_hidden,
            is_structural_zero,
            unit = 'household' AS is_household,
            is_complement AND contains(measure, ':within:') AND unit = denominator_unit AS is_difference,
            unit || '|' || group_measure AS measure_group,
            CASE WHEN is_complement THEN denominator_unit || '|' || denominator_measure ELSE '' END
                AS moves_with,
            COALESCE(dimension_1, '') || '|' || COALESCE(dimension_2, '') AS breakdown,
            COALESCE(block_area, '') AS block_area,
            COALESCE(authority, '') AS authority
        FROM system_cell
        LEFT JOIN area_block USING (area_code)
        ORDER BY cell
        """
    ).fetchnumpy()
    members = connection.sql(
        "SELECT relation, cell, sign, is_over_areas FROM system_member ORDER BY relation, cell"
    ).fetchnumpy()
    lower, upper = _bounds(cells, rules)
    together = _groups_that_are_equal(connection)
    is_missing = np.ma.getmaskarray(cells["value"])
    return PublishedSystem(
        lower=lower,
        upper=upper,
        hidden=np.asarray(cells["is_hidden"], dtype=bool),
        printed=~is_missing,
        difference=np.asarray(cells["is_difference"], dtype=bool),
        member_relation=np.asarray(members["relation"], dtype=np.int64),
        member_cell=np.asarray(members["cell"], dtype=np.int64),
        member_sign=np.asarray(members["sign"], dtype=np.float64),
        member_over_areas=np.asarray(members["is_over_areas"], dtype=bool),
        measure_group=np.array([together.get(name, name) for name in cells["measure_group"]], dtype=object),
        moves_with=np.array([together.get(name, name) for name in cells["moves_with"]], dtype=object),
        breakdown=np.asarray(cells["breakdown"], dtype=object),
        block_area=np.asarray(cells["block_area"], dtype=object),
        authority=np.asarray(cells["authority"], dtype=object),
    )


def _groups_that_are_equal(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return measure group -> the group that it forms with others whose counts are equal to its counts."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    pairs = connection.execute(
        """
        SELECT DISTINCT first.unit || '|' || first.group_measure, other.unit || '|' || other.group_measure
        FROM link_member AS one
        INNER JOIN link_member AS two USING (name)
        INNER JOIN system_cell AS first ON first.cell = one.cell
        INNER JOIN system_cell AS other ON other.cell = two.cell
        WHERE one.is_equal AND first.group_measure < other.group_measure
        ORDER BY ALL
        """
    ).fetchall()
    for one, other in pairs:
        leader[find(other)] = find(one)
    return {name: find(name) for name in list(leader)}


def known_households(connection: duckdb.DuckDBPyConnection) -> Whole:
    """Return the cells of `system_cell` with the number of households of an area, which registers publish."""
    found = connection.sql(
        """
        SELECT cell
        FROM system_cell
        WHERE unit = 'household'
          AND dimension_1 IS NULL
          AND measure NOT IN (SELECT measure FROM denominator_of)
          AND NOT is_complement
          AND NOT contains(measure, '_population')
        ORDER BY cell
        """
    ).fetchnumpy()
    return np.asarray(found["cell"], dtype=np.int64)


def with_known_households(system: PublishedSystem, households: Whole, reference: Floats) -> PublishedSystem:
    """Return the system of an attacker who has the number of households of each area.

    households: the cells of these numbers. reference: one value per cell, from which the numbers are taken;
    the exact counts in the audit before a release.
    """
    lower, upper = system.lower.copy(), system.upper.copy()
    lower[households] = upper[households] = reference[households]
    hidden = system.hidden.copy()
    hidden[households] = False
    return replace(system, lower=lower, upper=upper, hidden=hidden)


def with_none_zero(system: PublishedSystem) -> PublishedSystem:
    """Return the system of an attacker who assumes that no hidden count is zero."""
    return replace(system, lower=np.where(system.hidden, np.maximum(system.lower, 1.0), system.lower))


def with_any_size(system: PublishedSystem) -> PublishedSystem:
    """Return the system of an attacker who allows for larger hidden counts, which protect others."""
    return replace(system, upper=np.where(system.hidden, np.inf, system.upper))


def _bounds(cells: Mapping[str, Any], rules: PublicRules) -> tuple[Floats, Floats]:
    """Return the least and greatest possible count of each cell, given its published value or shorthand."""
    value = np.ma.filled(np.ma.asarray(cells["value"]).astype(np.float64), np.nan)
    hidden = np.asarray(cells["is_hidden"], dtype=bool)
    structural_zero = np.asarray(cells["is_structural_zero"], dtype=bool)
    household = np.asarray(cells["is_household"], dtype=bool)
    base, noise = rules.rounding_base, rules.noise_bound
    least = np.maximum(rules.minimum_cell_count, value - base // 2 - noise)
    most = value + (base - 1 - base // 2) + noise
    lower = np.where(np.isnan(value), 0.0, least)
    upper = np.where(np.isnan(value), np.inf, most)
    upper = np.where(hidden & household, rules.largest_hidden, upper)
    return lower, np.where(structural_zero, 0.0, upper)


def _create_areas(connection: duckdb.DuckDBPyConnection, area: pa.Table) -> None:
    """Create the tables `area_...` with public facts about the areas in `shown`."""
    connection.register("_public_area", area)
    try:
        connection.execute(
            """
            CREATE OR REPLACE TABLE public_area AS
            SELECT * FROM _public_area
            WHERE lsoa21 IN (SELECT area_code FROM shown WHERE area_level = 'LSOA21')
               OR NOT EXISTS (SELECT 1 FROM shown WHERE area_level = 'LSOA21')
            """
        )
    finally:
        connection.unregister("_public_area")
    connection.execute(
        """
        CREATE OR REPLACE TABLE area_parent AS
        SELECT DISTINCT
            'LSOA21' AS child_level, lsoa21 AS child_code, 'MSOA21' AS parent_level, msoa21 AS parent_code
        FROM public_area
        UNION
        SELECT DISTINCT 'MSOA21', msoa21, 'LAD', local_authority FROM public_area
        """
    )
    connection.execute(
        """
        CREATE OR REPLACE TABLE area_ancestor AS
        SELECT lsoa21, msoa21 AS area_code FROM public_area
        UNION ALL
        SELECT lsoa21, local_authority FROM public_area
        """
    )
    connection.execute(
        """
        CREATE OR REPLACE TABLE area_block AS
        SELECT lsoa21 AS area_code, msoa21 AS block_area, local_authority AS authority FROM public_area
        UNION
        SELECT msoa21, msoa21, local_authority FROM public_area
        UNION
        SELECT local_authority, local_authority, local_authority FROM public_area
        """
    )
    known = [
        f"SELECT lsoa21, '{name}' AS dimension, {category} AS category FROM public_area "
        f"WHERE {'aqma' if name == 'aqma' else 'imd_decile'} IS NOT NULL"
        for name, category in _AREA_DIMENSIONS.items()
        if ("aqma" if name == "aqma" else "imd_decile") in area.column_names
    ]
    none = "SELECT NULL::VARCHAR AS lsoa21, NULL::VARCHAR AS dimension, NULL::VARCHAR AS category WHERE FALSE"
    connection.execute("CREATE OR REPLACE TABLE area_attribute AS " + (" UNION ALL ".join(known) or none))


def _add_complements(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the complement of each numerator: never published, but an attacker can calculate it."""
    connection.execute(
        """
        CREATE OR REPLACE TABLE complement_cell AS
        SELECT
            numerator.cell AS numerator_cell,
            (SELECT COUNT(*) FROM system_cell) + ROW_NUMBER() OVER (ORDER BY numerator.cell) - 1 AS cell
        FROM system_cell AS numerator
        INNER JOIN denominator_of USING (measure, unit)
        """
    )
    connection.execute(
        """
        INSERT INTO system_cell
        SELECT
            complement_cell.cell, unit, measure || ':complement', area_level, area_code,
            dimension_1, category_1, dimension_2, category_2, group_id, NULL, FALSE, is_structural_zero,
            TRUE, measure, denominator_of.denominator_measure, unit
        FROM complement_cell
        INNER JOIN system_cell AS numerator ON numerator.cell = numerator_cell
        INNER JOIN denominator_of USING (measure, unit)
        ORDER BY complement_cell.cell
        """
    )
