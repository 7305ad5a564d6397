-- One row per appearance of a count in a registered table: its denominator, numerator or complement.
-- `count_measure` names what is counted: the measure for a numerator; for a denominator the plain measure
-- of that population, or the population itself if no measure counts only it.
WITH ordered_cell AS (
    SELECT
        * EXCLUDE (dimension_1, category_1, dimension_2, category_2),
        CASE WHEN dimension_2 < dimension_1 THEN dimension_2 ELSE dimension_1 END AS dimension_1,
        CASE WHEN dimension_2 < dimension_1 THEN category_2 ELSE category_1 END AS category_1,
        CASE WHEN dimension_2 < dimension_1 THEN dimension_1 ELSE dimension_2 END AS dimension_2,
        CASE WHEN dimension_2 < dimension_1 THEN category_1 ELSE category_2 END AS category_2,
        group_id(unit, area_code, dimension_1, category_1, dimension_2, category_2) AS group_id
    FROM cell
),
plain_measure AS (
    SELECT DISTINCT measure FROM cell WHERE numerator IS NULL
),
appearance AS (
    SELECT
        table_id,
        ordered_cell.measure,
        'denominator' AS role,
        CASE WHEN plain_measure.measure IS NULL THEN population || '_population' ELSE population END
            AS count_measure,
        unit, area_level, area_code, dimension_1, category_1, dimension_2, category_2, group_id,
        denominator AS n,
        denominator_households AS households,
        denominator_persons AS persons,
        CASE unit WHEN 'household' THEN denominator_household_key ELSE denominator_person_key END AS cell_key,
        structural_zero
    FROM ordered_cell
    LEFT JOIN plain_measure ON plain_measure.measure = population
    UNION ALL
    SELECT
        table_id,
        measure,
        'numerator' AS role,
        measure AS count_measure,
        unit, area_level, area_code, dimension_1, category_1, dimension_2, category_2, group_id,
        numerator AS n,
        numerator_households AS households,
        numerator_persons AS persons,
        CASE unit WHEN 'household' THEN numerator_household_key ELSE numerator_person_key END AS cell_key,
        structural_zero
    FROM ordered_cell
    WHERE numerator IS NOT NULL
    UNION ALL
    SELECT
        table_id,
        measure,
        'complement' AS role,
        measure || ':complement' AS count_measure,
        unit, area_level, area_code, dimension_1, category_1, dimension_2, category_2, group_id,
        denominator - numerator AS n,
        complement_households AS households,
        complement_persons AS persons,
        CASE unit WHEN 'household' THEN complement_household_key ELSE complement_person_key END AS cell_key,
        structural_zero
    FROM ordered_cell
    WHERE numerator IS NOT NULL
)
SELECT
    DENSE_RANK() OVER (
        ORDER BY unit, count_measure, area_level, area_code, dimension_1, category_1, dimension_2, category_2
    ) AS count_id,
    appearance.*
FROM appearance
ORDER BY table_id, measure, role, area_level, area_code, category_1, category_2
