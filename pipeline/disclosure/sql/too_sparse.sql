-- One row per table, counted measure and area level of which more than the agreed share would be hidden.
-- The residual category `unknown` does not count: nobody reads a table for it, and it is small wherever
-- recording is good. Where it is too small it is hidden like any other and protected like any other.
SELECT
    appearance.table_id,
    appearance.count_measure,
    appearance.area_level,
    COUNT(DISTINCT appearance.count_id) AS cells,
    COUNT(DISTINCT hidden.count_id) AS hidden_cells
FROM appearance
LEFT JOIN hidden USING (count_id)
LEFT JOIN below_floor USING (table_id, area_level, area_code)
WHERE NOT appearance.structural_zero
  AND appearance.role <> 'complement'
  AND COALESCE(appearance.category_1, '') <> 'unknown'
  AND COALESCE(appearance.category_2, '') <> 'unknown'
  AND below_floor.table_id IS NULL
GROUP BY appearance.table_id, appearance.count_measure, appearance.area_level
HAVING COUNT(DISTINCT hidden.count_id) > $maximum_hidden_share * COUNT(DISTINCT appearance.count_id)
ORDER BY appearance.table_id, appearance.count_measure, appearance.area_level
