-- One row per resident of a household that is counted, with the person's record key.
CREATE OR REPLACE TABLE resident_base AS
SELECT
    household_base.household_id,
    household_member.* EXCLUDE (household_pseudonym, person_pseudonym, standing, age_band, match_probability),
    person_record_key.record_key AS person_key
FROM household_member
JOIN household_base
    ON household_base.household_pseudonym = household_member.household_pseudonym
JOIN person_record_key
    ON person_record_key.anchor = household_member.person_pseudonym;
