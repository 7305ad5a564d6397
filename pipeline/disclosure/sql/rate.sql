-- One row per numerator of a registered table: its percentage, calculated only from published counts.
-- The exact counts only decide whether it is published: numerator, denominator and complement must be large enough.
WITH numerator AS (
    SELECT * FROM appearance WHERE role = 'numerator'
),
counted AS (
    SELECT
        numerator.table_id,
        numerator.measure,
        numerator.count_id,
        denominator.count_id AS denominator_count_id,
        numerator_value.shorthand AS numerator_shorthand,
        denominator_value.shorthand AS denominator_shorthand,
        numerator_value.value AS numerator_published,
        denominator_value.value AS denominator_published,
        complement.n < $minimum_cell_count
            OR complement.households < $minimum_cell_count
            OR complement_hidden.count_id IS NOT NULL AS is_complement_small
    FROM numerator
    INNER JOIN appearance AS denominator
        ON denominator.role = 'denominator'
       AND denominator.table_id = numerator.table_id
       AND denominator.measure = numerator.measure
       AND denominator.group_id = numerator.group_id
    INNER JOIN appearance AS complement
        ON complement.role = 'complement'
       AND complement.table_id = numerator.table_id
       AND complement.measure = numerator.measure
       AND complement.group_id = numerator.group_id
    INNER JOIN count_value AS numerator_value ON numerator_value.count_id = numerator.count_id
    INNER JOIN count_value AS denominator_value ON denominator_value.count_id = denominator.count_id
    LEFT JOIN hidden AS complement_hidden ON complement_hidden.count_id = complement.count_id
),
judged AS (
    SELECT
        *,
        CASE
            WHEN denominator_shorthand = '[z]' THEN '[z]'
            WHEN numerator_shorthand IS NOT NULL THEN numerator_shorthand
            WHEN denominator_shorthand IS NOT NULL THEN denominator_shorthand
            WHEN is_complement_small THEN '[c]'
            WHEN denominator_published - numerator_published < $minimum_cell_count THEN '[c]'
            WHEN LEAST(numerator_published, denominator_published - numerator_published)
                 < $minimum_reliable_count THEN '[u]'
        END AS shorthand
    FROM counted
)
SELECT
    table_id,
    measure,
    count_id,
    denominator_count_id,
    CASE
        WHEN shorthand IS NULL THEN ROUND(100.0 * numerator_published / denominator_published, 1)
    END AS value,
    shorthand
FROM judged
ORDER BY table_id, measure, count_id
