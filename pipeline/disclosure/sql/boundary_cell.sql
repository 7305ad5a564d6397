-- One row per cell as an epoch opens: tonight's where its area may change, else the released one.
-- A cell that its carried-forward area never had is not available: a fresh one would tell of the change.
WITH verdict AS (
    SELECT tonight_cell.*, COALESCE(may_change, FALSE) AS may_change
    FROM tonight_cell
    LEFT JOIN area_verdict USING (area_level, area_code)
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
    CASE WHEN may_change THEN verdict.value ELSE released_cell.value END AS value,
    CASE
        WHEN may_change THEN verdict.shorthand
        WHEN released_cell.table_id IS NULL THEN '[x]'
        ELSE released_cell.shorthand
    END AS shorthand,
    verdict.rounding_base,
    verdict.method,
    verdict.epoch
FROM verdict
LEFT JOIN released_cell
    ON released_cell.table_id = verdict.table_id
   AND released_cell.unit = verdict.unit
   AND released_cell.measure = verdict.measure
   AND released_cell.area_code = verdict.area_code
   AND released_cell.dimension_1 IS NOT DISTINCT FROM verdict.dimension_1
   AND released_cell.category_1 IS NOT DISTINCT FROM verdict.category_1
   AND released_cell.dimension_2 IS NOT DISTINCT FROM verdict.dimension_2
   AND released_cell.category_2 IS NOT DISTINCT FROM verdict.category_2
ORDER BY ALL
