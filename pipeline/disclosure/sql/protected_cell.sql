-- One row per published measure, area and category of a registered table, in canonical order.
WITH produced AS (
    SELECT
        appearance.*,
        below_floor.table_id IS NULL AND too_sparse.table_id IS NULL AS is_produced
    FROM appearance
    LEFT JOIN below_floor USING (table_id, area_level, area_code)
    LEFT JOIN too_sparse USING (table_id, count_measure, area_level)
    WHERE role <> 'complement'
),
count_row AS (
    SELECT DISTINCT ON (table_id, count_id)
        table_id, unit, area_level, area_code, dimension_1, category_1, dimension_2, category_2,
        count_measure AS measure,
        CASE WHEN is_produced OR structural_zero THEN count_value.value END::DOUBLE AS value,
        CASE WHEN is_produced OR structural_zero THEN count_value.shorthand ELSE '[x]' END AS shorthand,
        $rounding_base::BIGINT AS rounding_base
    FROM produced
    INNER JOIN count_value USING (count_id)
    ORDER BY table_id, count_id
),
rate_row AS (
    SELECT
        produced.table_id, produced.unit, produced.area_level, produced.area_code,
        produced.dimension_1, produced.category_1, produced.dimension_2, produced.category_2,
        produced.measure || '_percent' AS measure,
        CASE WHEN produced.is_produced AND denominator.is_produced THEN rate.value END AS value,
        CASE
            WHEN rate.shorthand = '[z]' OR (produced.is_produced AND denominator.is_produced) THEN rate.shorthand
            ELSE '[x]'
        END AS shorthand,
        NULL::BIGINT AS rounding_base
    FROM rate
    INNER JOIN produced
        ON produced.role = 'numerator'
       AND produced.table_id = rate.table_id
       AND produced.measure = rate.measure
       AND produced.count_id = rate.count_id
    INNER JOIN produced AS denominator
        ON denominator.role = 'denominator'
       AND denominator.table_id = rate.table_id
       AND denominator.measure = rate.measure
       AND denominator.count_id = rate.denominator_count_id
),
published_row AS (
    SELECT * FROM count_row
    UNION ALL
    SELECT * FROM rate_row
)
SELECT
    table_id,
    unit,
    area_level,
    area_code,
    dimension_1,
    category_1,
    dimension_2,
    category_2,
    measure,
    value,
    shorthand,
    rounding_base,
    $method AS method,
    $epoch AS epoch
FROM published_row
ORDER BY table_id, area_level, area_code, category_1, category_2, measure
