-- One row per resident of a household, with standing = 'household'; residents of dwellings that are too large
-- to be a household have standing = 'improbable'.
CREATE TABLE household_member AS
SELECT
    residence.dwelling_record_pseudonym AS household_pseudonym,
    residence.person_pseudonym,
    CASE WHEN occupied_dwelling.failed_rule IS NULL THEN 'household' ELSE 'improbable' END AS standing,
    residence.age_years,
    CASE
        WHEN residence.age_years IS NULL THEN NULL
        WHEN residence.age_years >= 90 THEN '90+'
        ELSE format('{:02d}-{:02d}', residence.age_years // 5 * 5, residence.age_years // 5 * 5 + 4)
    END AS age_band,
    residence.sex,
    ethnicity.code_group AS ethnic_group,
    residence.address_start > CAST($reference_date AS DATE) - INTERVAL 12 MONTHS AS moved_in_last_year,
    residence.match_probability,
    council_record_of_resident.person_pseudonym IS NOT NULL AS is_listed_by_council,
    council_record_of_resident.is_pupil,
    council_record_of_resident.has_free_school_meals,
    council_record_of_resident.has_special_educational_needs,
    council_record_of_resident.has_good_level_of_development,
    council_record_of_resident.is_often_absent,
    council_record_of_resident.sessions_missed_percent,
    council_record_of_resident.is_in_work,
    {outcomes}
FROM residence
JOIN occupied_dwelling
    ON occupied_dwelling.household_pseudonym = residence.dwelling_record_pseudonym
LEFT JOIN code_group AS ethnicity
    ON ethnicity.code_list = 'ethnic_category_2001' AND ethnicity.code = residence.ethnic_category
LEFT JOIN council_record_of_resident
    ON council_record_of_resident.person_pseudonym = residence.person_pseudonym
{outcome_joins}
WHERE residence.failed_rule IS NULL
    AND COALESCE(occupied_dwelling.failed_rule, 'improbable_size') = 'improbable_size';
