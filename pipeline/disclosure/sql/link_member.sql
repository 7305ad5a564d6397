-- One row per cell of a relation between counts in an area: `sign` is -1 for the whole and 1 for a part.
-- A relation that is not an equality has a further row for the difference, whose cell has a new number.
-- `_link` has one row per relation and count, without areas; a relation exists where all of its counts do.
WITH placed AS (
    SELECT
        _link.link,
        _link.is_equal,
        _link.sign,
        system_cell.area_code,
        system_cell.cell,
        COUNT(*) OVER (PARTITION BY _link.link, system_cell.area_code) AS present
    FROM _link
    INNER JOIN system_cell
        ON system_cell.unit = _link.unit
       AND system_cell.measure = _link.measure
       AND system_cell.area_level = _link.area_level
       AND system_cell.dimension_1 IS NOT DISTINCT FROM _link.dimension_1
       AND system_cell.category_1 IS NOT DISTINCT FROM _link.category_1
       AND system_cell.dimension_2 IS NOT DISTINCT FROM _link.dimension_2
       AND system_cell.category_2 IS NOT DISTINCT FROM _link.category_2
    WHERE NOT system_cell.is_complement
),
complete AS (
    SELECT placed.*
    FROM placed
    INNER JOIN (SELECT link, COUNT(*) AS counts FROM _link GROUP BY link) AS wanted USING (link)
    WHERE placed.present = wanted.counts
),
numbered AS (
    SELECT
        link,
        area_code,
        MIN(cell) FILTER (sign = 1) AS part_cell,
        MIN(cell) FILTER (sign = -1) AS whole_cell,
        (SELECT MAX(cell) + 1 FROM system_cell) + ROW_NUMBER() OVER (ORDER BY link, area_code) - 1 AS cell
    FROM complete
    WHERE NOT is_equal
    GROUP BY link, area_code
)
SELECT
    concat_ws('|', 'link', link, area_code) AS name,
    cell,
    sign,
    is_equal,
    FALSE AS is_difference,
    NULL AS part_cell,
    NULL AS whole_cell
FROM complete
UNION ALL
SELECT concat_ws('|', 'link', link, area_code), cell, 1, FALSE, TRUE, part_cell, whole_cell
FROM numbered
ORDER BY name, sign, cell
