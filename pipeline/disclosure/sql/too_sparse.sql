-- One row per table, measure and area level of which more than the agreed share of cells would be hidden.
-- The category `unknown` does not count, because it is of little interest and is small where recording is good.
-- It is hidden and protected like any other category.
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
