-- One row per LSOA of the area lookup in which the council has a dwelling.
CREATE TABLE covered_area AS
SELECT
    area.lsoa21,
    area.msoa21,
    area.local_authority,
    area.imd_decile,
    area.aqma
FROM area
WHERE area.lsoa21 IN (SELECT dwelling.lsoa21 FROM dwelling);
