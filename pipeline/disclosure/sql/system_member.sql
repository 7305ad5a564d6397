-- One row per cell of a sum: `sign` is -1 for the total and 1 for a part; rows of one sum have the same `relation`.
-- Sums over the categories of a dimension, over the areas of a parent area, and over the areas that
-- share a public attribute (deprivation, air quality) with a cell broken down by it.
-- Relations that follow from definitions come from `link_member`.
-- Complements have no other sums, because these follow from the sums of numerators and denominators.
WITH summed_cell AS (
    SELECT * FROM system_cell WHERE NOT is_complement
),
dimension_part AS (
    SELECT
        cell, unit, measure, area_code,
        dimension_1 AS summed, dimension_2 AS kept, category_2 AS kept_category,
        group_id(unit, area_code, dimension_2, category_2, NULL, NULL) AS total_group_id
    FROM summed_cell
    WHERE dimension_1 IS NOT NULL
    UNION ALL
    SELECT
        cell, unit, measure, area_code, dimension_2, dimension_1, category_1,
        group_id(unit, area_code, dimension_1, category_1, NULL, NULL)
    FROM summed_cell
    WHERE dimension_2 IS NOT NULL
),
dimension_member AS (
    SELECT
        concat_ws('|', 'dimension', unit, measure, area_code, summed, COALESCE(kept, ''), COALESCE(kept_category, ''))
            AS name,
        cell,
        1 AS sign
    FROM dimension_part
    UNION ALL
    SELECT DISTINCT
        concat_ws('|', 'dimension', part.unit, part.measure, part.area_code, part.summed,
            COALESCE(part.kept, ''), COALESCE(part.kept_category, '')),
        total.cell,
        -1
    FROM dimension_part AS part
    INNER JOIN system_cell AS total
        ON total.measure = part.measure
       AND total.group_id = part.total_group_id
),
area_part AS (
    SELECT
        concat_ws('|', 'area', unit, measure, parent_code,
            COALESCE(dimension_1, ''), COALESCE(category_1, ''),
            COALESCE(dimension_2, ''), COALESCE(category_2, '')) AS name,
        summed_cell.*,
        parent_code,
        group_id(unit, parent_code, dimension_1, category_1, dimension_2, category_2) AS parent_group_id
    FROM summed_cell
    INNER JOIN area_parent
        ON area_parent.child_level = summed_cell.area_level
       AND area_parent.child_code = summed_cell.area_code
),
area_complete AS (
    SELECT part.name
    FROM area_part AS part
    GROUP BY part.name
    HAVING COUNT(*) = (
        SELECT COUNT(*) FROM area_parent WHERE parent_code = ANY_VALUE(part.parent_code)
    )
),
area_member AS (
    SELECT area_part.name, cell, 1 AS sign FROM area_part INNER JOIN area_complete USING (name)
    UNION ALL
    SELECT DISTINCT part.name, total.cell, -1
    FROM area_part AS part
    INNER JOIN area_complete USING (name)
    INNER JOIN system_cell AS total
        ON total.measure = part.measure
       AND total.group_id = part.parent_group_id
),
complement_member AS (
    SELECT
        concat_ws('|', 'complement', numerator.cell) AS name,
        UNNEST([numerator.cell, complement.cell, denominator.cell]) AS cell,
        UNNEST([1, 1, -1]) AS sign
    FROM system_cell AS numerator
    INNER JOIN denominator_of USING (measure, unit)
    INNER JOIN system_cell AS denominator
        ON denominator.measure = denominator_of.denominator_measure
       AND denominator.group_id = numerator.group_id
    INNER JOIN complement_cell AS complement ON complement.numerator_cell = numerator.cell
),
attribute_member AS (
    SELECT
        concat_ws('|', 'attribute', whole.cell) AS name,
        part.cell,
        1 AS sign
    FROM summed_cell AS whole
    INNER JOIN area_attribute
        ON (area_attribute.dimension = whole.dimension_1 AND area_attribute.category = whole.category_1)
        OR (area_attribute.dimension = whole.dimension_2 AND area_attribute.category = whole.category_2)
    INNER JOIN area_ancestor
        ON area_ancestor.lsoa21 = area_attribute.lsoa21
       AND area_ancestor.area_code = whole.area_code
    INNER JOIN system_cell AS part
        ON part.measure = whole.measure
       AND part.group_id = CASE area_attribute.dimension
           WHEN whole.dimension_1
               THEN group_id(whole.unit, area_attribute.lsoa21, whole.dimension_2, whole.category_2, NULL, NULL)
           ELSE group_id(whole.unit, area_attribute.lsoa21, whole.dimension_1, whole.category_1, NULL, NULL)
       END
    UNION ALL
    SELECT
        concat_ws('|', 'attribute', cell),
        cell,
        -1
    FROM summed_cell
    WHERE dimension_1 IN (SELECT dimension FROM area_attribute)
       OR dimension_2 IN (SELECT dimension FROM area_attribute)
),
attribute_complete AS (
    SELECT name FROM attribute_member GROUP BY name HAVING COUNT(*) > 1
),
member AS (
    SELECT * FROM dimension_member
    UNION ALL
    SELECT attribute_member.* FROM attribute_member INNER JOIN attribute_complete USING (name)
    UNION ALL
    SELECT * FROM area_member
    UNION ALL
    SELECT * FROM complement_member
    UNION ALL
    SELECT name, cell, sign FROM link_member
)
SELECT
    DENSE_RANK() OVER (ORDER BY name) - 1 AS relation,
    cell,
    sign,
    starts_with(name, 'area|') OR starts_with(name, 'attribute|') AS is_over_areas
FROM member
ORDER BY relation, sign, cell
