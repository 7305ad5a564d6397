-- One row per measure as it is published: a count, or a percentage with the counts it is made of.
WITH counted AS (
    SELECT DISTINCT
        unit,
        count_measure AS measure,
        'count' AS kind,
        NULL AS numerator_measure,
        NULL AS denominator_measure
    FROM appearance
    WHERE role = 'denominator'
    UNION
    SELECT DISTINCT
        numerator.unit,
        numerator.count_measure,
        'count',
        NULL,
        denominator.count_measure
    FROM appearance AS numerator
    INNER JOIN appearance AS denominator
        ON denominator.role = 'denominator'
       AND denominator.table_id = numerator.table_id
       AND denominator.measure = numerator.measure
    WHERE numerator.role = 'numerator'
    UNION
    SELECT DISTINCT
        numerator.unit,
        numerator.count_measure || '_percent',
        'percent',
        numerator.count_measure,
        denominator.count_measure
    FROM appearance AS numerator
    INNER JOIN appearance AS denominator
        ON denominator.role = 'denominator'
       AND denominator.table_id = numerator.table_id
       AND denominator.measure = numerator.measure
    WHERE numerator.role = 'numerator'
)
SELECT measure, unit, kind, numerator_measure, denominator_measure
FROM counted
ORDER BY measure, unit, kind
