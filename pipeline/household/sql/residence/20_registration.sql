-- One row per NHS record, with the first rule on registration and address spell that it fails on
-- $reference_date. match_probability: that the link is right and that the person lives there, multiplied (0
-- to 1).
CREATE TABLE registration AS
WITH dated AS (
    SELECT
        nhs_resident.record_pseudonym,
        COALESCE(nhs_resident.nhs_number_pseudonym, nhs_resident.record_pseudonym) AS person_pseudonym,
        NULLIF(nhs_resident.address_start, CAST($floor_date AS DATE)) AS address_start,
        NULLIF(nhs_resident.address_end, CAST($floor_date AS DATE)) AS address_end,
        NULLIF(nhs_resident.registration_start, CAST($floor_date AS DATE)) AS registration_start,
        NULLIF(nhs_resident.registration_end, CAST($floor_date AS DATE)) AS registration_end,
        nhs_resident.is_deceased,
        nhs_resident.address_type,
        nhs_resident.practice_code,
        nhs_resident.age_years,
        nhs_resident.sex,
        nhs_resident.ethnic_category,
        nhs_resident.long_term_conditions,
        nhs_resident.emergency_admissions,
        resident_link.dwelling_record_pseudonym,
        resident_link.reason AS link_reason,
        resident_link.match_probability
            * COALESCE(1 / (1 + power(2, -resident_link.residence_match_weight)), 1) AS match_probability
    FROM nhs_resident
    LEFT JOIN resident_link
        ON resident_link.nhs_record_pseudonym = nhs_resident.record_pseudonym
)
SELECT
    *,
    CASE
        WHEN is_deceased THEN 'deceased'
        WHEN registration_start > CAST($reference_date AS DATE)
            OR registration_end < CAST($reference_date AS DATE)
            OR registration_end < registration_start THEN 'not_registered'
        WHEN address_type <> 'usual' THEN 'not_usual_address'
        WHEN address_end < address_start THEN 'spell_reversed'
        WHEN address_start > CAST($reference_date AS DATE)
            OR address_end < CAST($reference_date AS DATE) THEN 'spell_not_current'
    END AS failed_rule
FROM dated;
