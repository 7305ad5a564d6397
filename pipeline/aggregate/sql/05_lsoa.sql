-- One row per LSOA in which the council has a dwelling, with a number for joins.
CREATE TABLE lsoa AS
SELECT
    CAST(ROW_NUMBER() OVER (ORDER BY area.lsoa21) AS UINTEGER) AS lsoa_id,
    area.lsoa21,
    area.msoa21,
    area.local_authority
FROM area;
