-- One row per covered LSOA, numbered.
CREATE TABLE lsoa AS
SELECT
    CAST(ROW_NUMBER() OVER (ORDER BY area.lsoa21) AS UINTEGER) AS lsoa_id,
    area.lsoa21,
    area.msoa21,
    area.local_authority
FROM area;
