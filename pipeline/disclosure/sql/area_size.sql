-- One row per area: the most households, and the persons in them, that any table finds there.
WITH table_total AS (
    SELECT
        area_level,
        area_code,
        table_id,
        measure,
        CASE WHEN ANY_VALUE(unit) = 'household' THEN SUM(denominator_households)
             ELSE MAX(denominator_households) END AS households,
        CASE WHEN ANY_VALUE(unit) = 'household' THEN SUM(denominator_persons)
             ELSE MAX(denominator_persons) END AS persons
    FROM cell
    GROUP BY area_level, area_code, table_id, measure
)
SELECT
    area_level,
    area_code,
    MAX(households) AS households,
    MAX(persons) AS persons
FROM table_total
GROUP BY area_level, area_code
ORDER BY area_level, area_code
