-- One row per resident of a household that is counted, with the person's record key. placement_weight: the
-- resident and the people of the same stratum who could not be placed, per resident placed (1 or more).
CREATE OR REPLACE TABLE resident_base AS
SELECT
    household_base.household_id,
    household_member.* EXCLUDE (household_pseudonym, person_pseudonym, standing, age_band),
    person_record_key.record_key AS person_key,
    COALESCE(1 + placement.persons_not_placed / NULLIF(placement.persons_placed, 0), 1) AS placement_weight
FROM household_member
JOIN household_base
    ON household_base.household_pseudonym = household_member.household_pseudonym
LEFT JOIN placement
    ON placement.age_group = CASE
        WHEN household_member.age_years < 18 THEN '0-17'
        WHEN household_member.age_years < 40 THEN '18-39'
        WHEN household_member.age_years < 65 THEN '40-64'
        WHEN household_member.age_years >= 65 THEN '65+'
        ELSE 'unknown'
    END
    AND placement.sex = COALESCE(household_member.sex, 'unknown')
    AND placement.is_admitted = COALESCE(household_member.emergency_admissions > 0, FALSE)
JOIN person_record_key
    ON person_record_key.anchor = household_member.person_pseudonym;
