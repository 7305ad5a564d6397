-- One row per cell at the start of an epoch: the new value if its area may change, otherwise the released one.
-- A cell that was not released for an area that may not change is not available: a value would disclose a change.
WITH verdict AS (
    SELECT
        current_cell.*,
        group_id(unit, area_code, dimension_1, category_1, dimension_2, category_2) AS group_id,
        COALESCE(may_change, FALSE) AS may_change
    FROM current_cell
    LEFT JOIN area_verdict USING (area_level, area_code)
),
released AS (
    SELECT *, group_id(unit, area_code, dimension_1, category_1, dimension_2, category_2) AS group_id
    FROM released_cell
)
SELECT
    verdict.table_id,
    verdict.unit,
    verdict.area_level,
    verdict.area_code,
    verdict.dimension_1,
    verdict.category_1,
    verdict.dimension_2,
    verdict.category_2,
    verdict.measure,
    CASE WHEN may_change THEN verdict.value ELSE released.value END AS value,
    CASE
        WHEN may_change THEN verdict.shorthand
        WHEN released.table_id IS NULL THEN '[x]'
        ELSE released.shorthand
    END AS shorthand,
    verdict.rounding_base,
    verdict.method,
    verdict.epoch
FROM verdict
LEFT JOIN released
    ON released.table_id = verdict.table_id
   AND released.measure = verdict.measure
   AND released.group_id = verdict.group_id
ORDER BY ALL
