-- One row per NHS record: whether linked, how probably, whether rightly (if the truth is known), and its groups.
CREATE TABLE quality_record AS
WITH true_home AS (
    SELECT
        nhs_record_pseudonym,
        COUNT(*) AS true_pairs
    FROM truth
    GROUP BY nhs_record_pseudonym
)
SELECT
    nhs_resident.record_pseudonym,
    nhs_resident.address_group_pseudonym,
    resident_link.address_group,
    resident_link.dwelling_record_pseudonym AS dwelling,
    resident_link.dwelling_record_pseudonym IS NOT NULL AS is_linked,
    resident_link.match_probability,
    -- that the person lives in the dwelling as well: the link's probability times the member's (1 where unjudged)
    resident_link.match_probability
        * COALESCE(1 / (1 + power(2, -resident_link.residence_match_weight)), 1) AS residence_probability,
    -- an open spell at a usual address, of a person who is not recorded as dead: only these are residents
    nhs_resident.address_end IS NULL
        AND COALESCE(nhs_resident.address_type = 'usual', TRUE)
        AND NOT COALESCE(nhs_resident.is_deceased, FALSE) AS is_current,
    resident_link.reason,
    COALESCE(true_home.true_pairs, 0) AS true_pairs,
    right_link.nhs_record_pseudonym IS NOT NULL AS is_right,
    CASE
        WHEN nhs_resident.age_years IS NULL THEN 'not known'
        WHEN nhs_resident.age_years < 16 THEN '0 to 15'
        WHEN nhs_resident.age_years < 30 THEN '16 to 29'
        WHEN nhs_resident.age_years < 45 THEN '30 to 44'
        WHEN nhs_resident.age_years < 65 THEN '45 to 64'
        WHEN nhs_resident.age_years < 80 THEN '65 to 79'
        ELSE '80 and over'
    END AS age_band,
    COALESCE(nhs_resident.sex, 'not known') AS sex,
    COALESCE(ethnicity.ethnic_group, 'not known') AS ethnic_group,
    COALESCE(nhs_resident.practice_code, 'not known') AS practice,
    CASE
        WHEN nhs_resident.address_start IS NULL THEN 'not known'
        WHEN nhs_resident.address_start > $reference_date - INTERVAL 1 YEAR THEN 'moved within a year'
        ELSE 'settled'
    END AS recent_mover,
    CASE WHEN nhs_resident.uprn_pseudonym IS NULL THEN 'no' ELSE 'yes' END AS has_uprn
FROM nhs_resident
INNER JOIN resident_link ON resident_link.nhs_record_pseudonym = nhs_resident.record_pseudonym
LEFT JOIN ethnicity ON ethnicity.category = nhs_resident.ethnic_category
LEFT JOIN true_home ON true_home.nhs_record_pseudonym = nhs_resident.record_pseudonym
LEFT JOIN truth AS right_link
    ON right_link.nhs_record_pseudonym = nhs_resident.record_pseudonym
    AND right_link.dwelling_record_pseudonym = resident_link.dwelling_record_pseudonym
