-- One row per LSOA.
SELECT
    area.lsoa21,
    area.msoa21,
    area.local_authority,
    area.imd_decile,
    area.aqma
FROM area_lookup AS area
