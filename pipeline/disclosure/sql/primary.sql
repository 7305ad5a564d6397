-- One row per count that is too small to publish, including zeros but not structural zeros.
SELECT count_id
FROM count
WHERE NOT structural_zero
  AND (
      households < $minimum_cell_count
      OR (unit = 'resident' AND persons < $minimum_cell_count)
      OR n < $minimum_cell_count
  )
ORDER BY count_id
