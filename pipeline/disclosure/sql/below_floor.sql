-- One row per table and area with too few households or persons for the table's number of dimensions.
SELECT DISTINCT
    appearance.table_id,
    appearance.area_level,
    appearance.area_code
FROM appearance
INNER JOIN area_size USING (area_level, area_code)
WHERE area_size.households < CASE WHEN dimension_2 IS NULL THEN $floor_households ELSE $floor_households_multiway END
   OR area_size.persons < CASE WHEN dimension_2 IS NULL THEN $floor_persons ELSE $floor_persons_multiway END
ORDER BY table_id, area_level, area_code
