-- One row per NHS record: was it linked, how surely, and which groups it belongs to.
CREATE TABLE quality_record AS
SELECT
    resident_link.reason = 'linked' AS is_linked,
    resident_link.match_probability,
    CASE
        WHEN nhs_resident.age_years IS NULL THEN 'unknown'
        WHEN nhs_resident.age_years < 16 THEN '0 to 15'
        WHEN nhs_resident.age_years < 30 THEN '16 to 29'
        WHEN nhs_resident.age_years < 45 THEN '30 to 44'
        WHEN nhs_resident.age_years < 65 THEN '45 to 64'
        WHEN nhs_resident.age_years < 80 THEN '65 to 79'
        ELSE '80 and over'
    END AS age_band,
    COALESCE(nhs_resident.sex, 'unknown') AS sex,
    COALESCE(nhs_resident.ethnic_category, 'unknown') AS ethnic_category,
    COALESCE(nhs_resident.practice_code, 'unknown') AS practice,
    CASE
        WHEN nhs_resident.address_start IS NULL THEN 'unknown'
        WHEN nhs_resident.address_start > $reference_date - INTERVAL 1 YEAR THEN 'moved within a year'
        ELSE 'settled'
    END AS recent_mover,
    CASE WHEN nhs_resident.uprn_pseudonym IS NULL THEN 'no' ELSE 'yes' END AS has_uprn
FROM nhs_resident
INNER JOIN resident_link ON resident_link.nhs_record_pseudonym = nhs_resident.record_pseudonym
