-- One row per measure as it is published: a count, or a percentage with its two counts.
WITH registered AS (
    SELECT DISTINCT table_id, measure, role, unit, count_measure FROM appearance
),
pair AS (
    SELECT DISTINCT
        numerator.unit,
        numerator.count_measure AS numerator_measure,
        denominator.count_measure AS denominator_measure
    FROM registered AS numerator
    INNER JOIN registered AS denominator
        ON denominator.role = 'denominator'
       AND denominator.table_id = numerator.table_id
       AND denominator.measure = numerator.measure
    WHERE numerator.role = 'numerator'
),
counted AS (
    SELECT DISTINCT
        unit,
        count_measure AS measure,
        'count' AS kind,
        NULL AS numerator_measure,
        NULL AS denominator_measure
    FROM registered
    WHERE role = 'denominator'
    UNION
    SELECT unit, numerator_measure, 'count', NULL, denominator_measure FROM pair
    UNION
    SELECT unit, numerator_measure || '_percent', 'percent', numerator_measure, denominator_measure FROM pair
)
SELECT measure, unit, kind, numerator_measure, denominator_measure
FROM counted
ORDER BY measure, unit, kind
