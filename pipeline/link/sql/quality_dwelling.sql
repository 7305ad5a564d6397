-- One row per dwelling: has it a linked household, and which groups it belongs to.
CREATE TABLE quality_dwelling AS
SELECT
    unlinked_dwelling.dwelling_record_pseudonym IS NULL AS is_linked,
    NULL::DOUBLE AS match_probability,
    COALESCE(dwelling.tenure, 'unknown') AS tenure,
    COALESCE(dwelling.property_type, 'unknown') AS property_type,
    COALESCE(area.imd_decile::VARCHAR, 'unknown') AS imd_decile
FROM dwelling
LEFT JOIN unlinked_dwelling ON unlinked_dwelling.dwelling_record_pseudonym = dwelling.record_pseudonym
LEFT JOIN area ON area.lsoa21 = dwelling.lsoa21
