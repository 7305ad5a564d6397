-- One row per table, counted measure and area level of which more than the agreed share would be hidden.
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
  AND below_floor.table_id IS NULL
GROUP BY appearance.table_id, appearance.count_measure, appearance.area_level
HAVING COUNT(DISTINCT hidden.count_id) > $maximum_hidden_share * COUNT(DISTINCT appearance.count_id)
ORDER BY appearance.table_id, appearance.count_measure, appearance.area_level
