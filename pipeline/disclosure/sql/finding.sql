-- One row: what the written cells, read back, show against the exact counts.
-- `written` is protected_cell as it stands on disk; every figure but cells, cells_published, cells_hidden,
-- smallest_published_group and fewest_sensitive_values (null where nothing of the kind is printed) must be nought.
WITH written_count AS (
    SELECT
        written.*,
        count.count_id,
        count.n,
        count.households,
        count.persons,
        count.structural_zero,
        attribute_hidden.count_id IS NOT NULL AS is_attribute_hidden
    FROM written
    INNER JOIN count
        ON count.role <> 'complement'
       AND count.count_measure = written.measure
       AND count.unit = written.unit
       AND count.area_level = written.area_level
       AND count.area_code = written.area_code
       AND count.dimension_1 IS NOT DISTINCT FROM written.dimension_1
       AND count.category_1 IS NOT DISTINCT FROM written.category_1
       AND count.dimension_2 IS NOT DISTINCT FROM written.dimension_2
       AND count.category_2 IS NOT DISTINCT FROM written.category_2
    LEFT JOIN attribute_hidden USING (count_id)
),
sensitive_value AS (
    SELECT
        numerator.count_id,
        CAST(numerator.n > 0 AS INTEGER) + CAST(complement.n > 0 AS INTEGER) AS values_held
    FROM appearance AS numerator
    INNER JOIN sensitive_measure USING (measure)
    INNER JOIN appearance AS complement
        ON complement.role = 'complement'
       AND complement.table_id = numerator.table_id
       AND complement.measure = numerator.measure
       AND complement.unit = numerator.unit
       AND complement.area_level = numerator.area_level
       AND complement.area_code = numerator.area_code
       AND complement.dimension_1 IS NOT DISTINCT FROM numerator.dimension_1
       AND complement.category_1 IS NOT DISTINCT FROM numerator.category_1
       AND complement.dimension_2 IS NOT DISTINCT FROM numerator.dimension_2
       AND complement.category_2 IS NOT DISTINCT FROM numerator.category_2
    WHERE numerator.role = 'numerator'
),
written_rate AS (
    SELECT
        written.value,
        denominator.n AS denominator_n,
        numerator.n AS numerator_n,
        100.0 * numerator_written.value / denominator_written.value AS expected
    FROM written
    INNER JOIN published_measure USING (measure, unit)
    INNER JOIN count AS numerator
        ON numerator.count_measure = numerator_measure
       AND numerator.unit = written.unit
       AND numerator.area_level = written.area_level
       AND numerator.area_code = written.area_code
       AND numerator.category_1 IS NOT DISTINCT FROM written.category_1
       AND numerator.category_2 IS NOT DISTINCT FROM written.category_2
       AND numerator.dimension_1 IS NOT DISTINCT FROM written.dimension_1
       AND numerator.dimension_2 IS NOT DISTINCT FROM written.dimension_2
    INNER JOIN count AS denominator
        ON denominator.count_measure = denominator_measure
       AND denominator.unit = written.unit
       AND denominator.area_level = written.area_level
       AND denominator.area_code = written.area_code
       AND denominator.category_1 IS NOT DISTINCT FROM written.category_1
       AND denominator.category_2 IS NOT DISTINCT FROM written.category_2
       AND denominator.dimension_1 IS NOT DISTINCT FROM written.dimension_1
       AND denominator.dimension_2 IS NOT DISTINCT FROM written.dimension_2
    LEFT JOIN written AS numerator_written
        ON numerator_written.table_id = written.table_id
       AND numerator_written.measure = numerator_measure
       AND numerator_written.area_code = written.area_code
       AND numerator_written.category_1 IS NOT DISTINCT FROM written.category_1
       AND numerator_written.category_2 IS NOT DISTINCT FROM written.category_2
    LEFT JOIN written AS denominator_written
        ON denominator_written.table_id = written.table_id
       AND denominator_written.measure = denominator_measure
       AND denominator_written.area_code = written.area_code
       AND denominator_written.category_1 IS NOT DISTINCT FROM written.category_1
       AND denominator_written.category_2 IS NOT DISTINCT FROM written.category_2
    WHERE kind = 'percent'
      AND written.value IS NOT NULL
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
        SELECT MIN(values_held)
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
