-- One row: figures that compare the written cells with the exact counts.
-- `written` is protected_cell as read from the file. Every figure must be 0, except cells, cells_published,
-- cells_hidden, smallest_published_group and fewest_sensitive_values (null if nothing of the kind is published).
WITH written_cell AS (
    SELECT
        *,
        group_id(unit, area_code, dimension_1, category_1, dimension_2, category_2) AS group_id
    FROM written
),
written_count AS (
    SELECT
        written_cell.*,
        count.count_id,
        count.n,
        count.households,
        count.persons,
        count.structural_zero,
        attribute_hidden.count_id IS NOT NULL AS is_attribute_hidden
    FROM written_cell
    INNER JOIN count
        ON count.role <> 'complement'
       AND count.count_measure = written_cell.measure
       AND count.group_id = written_cell.group_id
    LEFT JOIN attribute_hidden USING (count_id)
),
sensitive_value AS (
    SELECT
        numerator.count_id,
        CAST(numerator.n > 0 AS INTEGER) + CAST(complement.n > 0 AS INTEGER) AS values_present
    FROM appearance AS numerator
    INNER JOIN sensitive_measure USING (measure)
    INNER JOIN appearance AS complement
        ON complement.role = 'complement'
       AND complement.table_id = numerator.table_id
       AND complement.measure = numerator.measure
       AND complement.group_id = numerator.group_id
    WHERE numerator.role = 'numerator'
),
written_rate AS (
    SELECT
        written_cell.value,
        denominator.n AS denominator_n,
        numerator.n AS numerator_n,
        100.0 * numerator_written.value / denominator_written.value AS expected
    FROM written_cell
    INNER JOIN published_measure USING (measure, unit)
    INNER JOIN count AS numerator
        ON numerator.count_measure = numerator_measure
       AND numerator.group_id = written_cell.group_id
    INNER JOIN count AS denominator
        ON denominator.count_measure = denominator_measure
       AND denominator.group_id = written_cell.group_id
    LEFT JOIN written_cell AS numerator_written
        ON numerator_written.table_id = written_cell.table_id
       AND numerator_written.measure = numerator_measure
       AND numerator_written.group_id = written_cell.group_id
    LEFT JOIN written_cell AS denominator_written
        ON denominator_written.table_id = written_cell.table_id
       AND denominator_written.measure = denominator_measure
       AND denominator_written.group_id = written_cell.group_id
    WHERE kind = 'percent'
      AND written_cell.value IS NOT NULL
)
SELECT
    (SELECT COUNT(*) FROM written) AS cells,
    (SELECT COUNT(*) FROM written WHERE value IS NOT NULL) AS cells_published,
    (SELECT COUNT(*) FROM written WHERE shorthand = '[c]') AS cells_hidden,
    (SELECT COUNT(*) FROM written WHERE (value IS NULL) = (shorthand IS NULL)) AS cells_without_one_answer,
    (
        SELECT COUNT(*) FROM written_count
        WHERE value IS NOT NULL
          AND (households < $minimum_cell_count
               OR n < $minimum_cell_count
               OR (unit = 'resident' AND persons < $minimum_cell_count))
    ) AS published_below_minimum,
    (
        SELECT MIN(CASE unit WHEN 'resident' THEN LEAST(households, persons) ELSE households END)
        FROM written_count
        WHERE value IS NOT NULL
    ) AS smallest_published_group,
    (
        SELECT MIN(values_present)
        FROM written_count
        INNER JOIN sensitive_value USING (count_id)
        WHERE value IS NOT NULL
    ) AS fewest_sensitive_values,
    (
        SELECT COUNT(*) FROM written_count
        WHERE value IS NOT NULL AND (value < $minimum_cell_count OR value % $rounding_base <> 0)
    ) AS published_unrounded,
    (
        SELECT COUNT(*) FROM written_count WHERE value IS NOT NULL AND is_attribute_hidden
    ) AS attribute_exposed,
    (
        SELECT COUNT(*) FROM written_count
        WHERE value IS NOT NULL AND ABS(value - n) > $largest_error
    ) AS published_too_far_from_count,
    (
        SELECT COUNT(*) FROM written_rate
        WHERE numerator_n < $minimum_cell_count
           OR denominator_n < $minimum_cell_count
           OR denominator_n - numerator_n < $minimum_cell_count
    ) AS rates_below_minimum,
    (
        SELECT COUNT(*) FROM written_rate WHERE expected IS NULL OR ABS(value - expected) > 0.051
    ) AS rates_not_from_published_counts
