-- One row per distinct count, however many tables contain it.
SELECT
    count_id,
    ANY_VALUE(unit) AS unit,
    ANY_VALUE(count_measure) AS count_measure,
    ANY_VALUE(role) AS role,
    ANY_VALUE(area_level) AS area_level,
    ANY_VALUE(area_code) AS area_code,
    ANY_VALUE(dimension_1) AS dimension_1,
    ANY_VALUE(category_1) AS category_1,
    ANY_VALUE(dimension_2) AS dimension_2,
    ANY_VALUE(category_2) AS category_2,
    ANY_VALUE(group_id) AS group_id,
    ANY_VALUE(n) AS n,
    ANY_VALUE(households) AS households,
    ANY_VALUE(persons) AS persons,
    ANY_VALUE(cell_key) AS cell_key,
    BOOL_OR(structural_zero) AS structural_zero,
    MIN(n) <> MAX(n) OR MIN(cell_key) <> MAX(cell_key) AS is_contradicted
FROM appearance
GROUP BY count_id
ORDER BY count_id
