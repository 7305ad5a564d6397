-- One row per count that is hidden because a sensitive distribution would disclose an attribute of a group.
-- A group is an area and category of a table; its distribution is a sensitive measure's numerator in it,
-- or the categories of a sensitive dimension within it.
WITH sensitive_numerator AS (
    SELECT DISTINCT
        numerator.count_id,
        complement.count_id AS complement_count_id,
        numerator.n AS numerator_n,
        numerator.n + complement.n AS group_n
    FROM appearance AS numerator
    INNER JOIN sensitive_measure USING (measure)
    INNER JOIN appearance AS complement
        ON complement.role = 'complement'
       AND complement.table_id = numerator.table_id
       AND complement.measure = numerator.measure
       AND complement.group_id = numerator.group_id
    WHERE numerator.role = 'numerator'
),
disclosed_by_measure AS (
    SELECT UNNEST([count_id, complement_count_id]) AS count_id
    FROM sensitive_numerator
    WHERE numerator_n = 0
       OR numerator_n >= $dominant_share * group_n
),
sensitive_category AS (
    SELECT
        appearance.count_id,
        appearance.table_id,
        appearance.role,
        appearance.count_measure,
        appearance.area_level,
        appearance.area_code,
        CASE sensitive_dimension.dimension WHEN dimension_1 THEN category_2 ELSE category_1 END AS group_category,
        appearance.n,
        primary_hidden.count_id IS NULL AS is_publishable,
        sensitive_dimension.dimension
    FROM appearance
    INNER JOIN sensitive_dimension
        ON sensitive_dimension.dimension IN (dimension_1, dimension_2)
    LEFT JOIN primary_hidden USING (count_id)
    WHERE NOT structural_zero
      AND role <> 'complement'
),
sensitive_group AS (
    SELECT
        LIST(DISTINCT count_id) AS count_ids,
        MAX(n) AS largest,
        SUM(n) AS total,
        COUNT(DISTINCT count_id) FILTER (is_publishable) AS publishable_categories
    FROM (
        SELECT DISTINCT ON (table_id, dimension, count_id)
            *
        FROM sensitive_category
        ORDER BY table_id, dimension, count_id
    )
    GROUP BY table_id, role, count_measure, area_level, area_code, dimension, group_category
),
disclosed_by_category AS (
    SELECT UNNEST(count_ids) AS count_id
    FROM sensitive_group
    WHERE largest >= $dominant_share * total
       OR publishable_categories < 2
)
SELECT count_id FROM disclosed_by_measure
UNION
SELECT count_id FROM disclosed_by_category
ORDER BY count_id
