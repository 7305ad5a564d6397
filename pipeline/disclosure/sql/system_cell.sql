-- One row per count that an outsider can name: published, hidden, or implied by the sums that contain it.
-- `shown` has the published counts of a release, with dimensions in alphabetical order.
WITH RECURSIVE live AS (
    -- without any published or hidden count at a level, a measure and breakdown are of no use to an attacker
    SELECT unit, measure, area_level, dimension_1, dimension_2
    FROM shown
    GROUP BY ALL
    HAVING COUNT(value) > 0
        OR COUNT(*) FILTER (shorthand = '[c]') > 0
),
listed AS (
    SELECT
        unit, measure, area_level, area_code, dimension_1, category_1, dimension_2, category_2,
        MAX(value) AS value,
        BOOL_OR(shorthand = '[c]') AS is_hidden,
        BOOL_OR(shorthand = '[z]') AS is_structural_zero
    FROM shown
    WHERE EXISTS (
        SELECT 1
        FROM live
        WHERE live.unit = shown.unit
          AND live.measure = shown.measure
          AND live.area_level = shown.area_level
          AND live.dimension_1 IS NOT DISTINCT FROM shown.dimension_1
          AND live.dimension_2 IS NOT DISTINCT FROM shown.dimension_2
    )
    GROUP BY ALL
),
-- totals that no table publishes are included, because they connect other tables
closed AS (
    SELECT unit, measure, area_level, area_code, dimension_1, category_1, dimension_2, category_2 FROM listed
    UNION
    SELECT unit, measure, area_level, area_code, dimension_1, category_1, NULL, NULL FROM listed
    WHERE dimension_2 IS NOT NULL
    UNION
    SELECT unit, measure, area_level, area_code, dimension_2, category_2, NULL, NULL FROM listed
    WHERE dimension_2 IS NOT NULL
    UNION
    SELECT unit, measure, area_level, area_code, NULL, NULL, NULL, NULL FROM listed
),
risen AS (
    SELECT unit, measure, area_level, area_code, dimension_1, category_1, dimension_2, category_2 FROM closed
    UNION
    SELECT unit, measure, parent_level, parent_code, dimension_1, category_1, dimension_2, category_2
    FROM risen
    INNER JOIN area_parent
        ON area_parent.child_level = risen.area_level
       AND area_parent.child_code = risen.area_code
)
SELECT
    ROW_NUMBER() OVER (
        ORDER BY risen.unit, risen.measure, risen.area_level, risen.area_code,
            risen.dimension_1, risen.category_1, risen.dimension_2, risen.category_2
    ) - 1 AS cell,
    risen.*,
    listed.value,
    COALESCE(listed.is_hidden, FALSE) AND listed.value IS NULL AS is_hidden,
    COALESCE(listed.is_structural_zero, FALSE) AND listed.value IS NULL AS is_structural_zero,
    FALSE AS is_complement,
    risen.measure AS group_measure,
    NULL::VARCHAR AS denominator_measure,
    risen.unit AS denominator_unit
FROM (
    SELECT *, group_id(unit, area_code, dimension_1, category_1, dimension_2, category_2) AS group_id
    FROM risen
) AS risen
LEFT JOIN (
    SELECT
        measure,
        group_id(unit, area_code, dimension_1, category_1, dimension_2, category_2) AS group_id,
        value,
        is_hidden,
        is_structural_zero
    FROM listed
) AS listed USING (measure, group_id)
ORDER BY cell
