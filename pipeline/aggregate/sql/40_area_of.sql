-- One row per LSOA and level: the area that holds it.
CREATE TABLE area_of AS
SELECT
    lsoa21,
    'LSOA21' AS area_level,
    lsoa21 AS area_code
FROM area
UNION ALL
SELECT
    lsoa21,
    'MSOA21' AS area_level,
    msoa21 AS area_code
FROM area
UNION ALL
SELECT
    lsoa21,
    'LAD' AS area_level,
    local_authority AS area_code
FROM area;
