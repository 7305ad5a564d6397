-- One row per count: what is published for it, a value or a shorthand.
SELECT
    count_id,
    CASE
        WHEN structural_zero OR hidden.count_id IS NOT NULL THEN NULL
        WHEN n + noise < $minimum_cell_count THEN NULL
        ELSE (n + noise + $rounding_base // 2) // $rounding_base * $rounding_base
    END AS value,
    CASE
        WHEN structural_zero THEN '[z]'
        WHEN hidden.count_id IS NOT NULL OR n + noise < $minimum_cell_count THEN '[c]'
    END AS shorthand
FROM count
INNER JOIN count_noise USING (count_id)
LEFT JOIN hidden USING (count_id)
ORDER BY count_id
