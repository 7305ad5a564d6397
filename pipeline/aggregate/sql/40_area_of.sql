-- One row per LSOA and area level: the area that contains it.
CREATE TABLE area_of AS
SELECT
    lsoa_id,
    'LSOA21' AS area_level,
    lsoa21 AS area_code
FROM lsoa
UNION ALL
SELECT
    lsoa_id,
    'MSOA21' AS area_level,
    msoa21 AS area_code
FROM lsoa
UNION ALL
SELECT
    lsoa_id,
    'LAD' AS area_level,
    local_authority AS area_code
FROM lsoa;
