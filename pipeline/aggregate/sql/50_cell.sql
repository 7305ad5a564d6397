-- One row per table, measure, area and category of each dimension: the complete grid, with zeros in empty
-- cells.
CREATE TABLE cell AS
WITH measured_area AS (
    SELECT DISTINCT
        area_level,
        area_code
    FROM area_of
),
grid AS (
    SELECT
        registered.table_id,
        registered.measure,
        registered.population,
        registered.unit,
        registered.dimension_1,
        registered.category_1,
        registered.dimension_2,
        registered.category_2,
        registered.has_numerator,
        registered.structural_zero,
        measured_area.area_level,
        measured_area.area_code
    FROM registered
    JOIN measured_area
        ON list_contains(registered.area_levels, measured_area.area_level)
),
summed AS (
    SELECT
        count_by_lsoa.table_id,
        count_by_lsoa.measure,
        area_of.area_level,
        area_of.area_code,
        count_by_lsoa.category_1,
        count_by_lsoa.category_2,
        {sums}
    FROM count_by_lsoa
    JOIN area_of
        ON area_of.lsoa_id = count_by_lsoa.lsoa_id
    GROUP BY
        count_by_lsoa.table_id,
        count_by_lsoa.measure,
        area_of.area_level,
        area_of.area_code,
        count_by_lsoa.category_1,
        count_by_lsoa.category_2
),
filled AS (
    SELECT
        grid.*,
        {filled}
    FROM grid
    LEFT JOIN summed
        ON cell_id(summed.table_id, summed.measure, summed.area_code, summed.category_1, summed.category_2)
            = cell_id(grid.table_id, grid.measure, grid.area_code, grid.category_1, grid.category_2)
)
SELECT
    table_id,
    measure,
    population,
    unit,
    area_level,
    area_code,
    dimension_1,
    category_1,
    dimension_2,
    category_2,
    CASE unit WHEN 'household' THEN denominator_households ELSE denominator_persons END AS denominator,
    CASE unit WHEN 'household' THEN numerator_households ELSE numerator_persons END AS numerator,
    {written},
    structural_zero
FROM filled;
