-- One row per patient at an address; the identifiers are in clear and are hashed next.
SELECT
    person.record_id AS record_pseudonym,
    person.nhs_number AS nhs_number_pseudonym,
    person.uprn AS uprn_pseudonym,
    person.address_group_id AS address_group_pseudonym,
    -- Age in whole years (with a birthday on 29 February, one year more from 1 March); NULL for a birth
    -- after the reference date.
    CASE
        WHEN person.birth_date <= $reference_date
            THEN year($reference_date) - year(person.birth_date)
                - CASE
                    WHEN 100 * month($reference_date) + day($reference_date)
                        < 100 * month(person.birth_date) + day(person.birth_date)
                        THEN 1
                    ELSE 0
                END
    END AS age_years,
    person.sex,
    person.ethnic_category,
    person.address_start,
    person.address_end,
    person.registration_start,
    person.registration_end,
    -- The date of death does not leave, only whether the person has died by the reference date.
    COALESCE(person.death_date <= $reference_date, FALSE) AS is_deceased,
    person.address_type,
    person.practice_code,
    person.long_term_conditions,
    person.emergency_admissions,
    match_field.* EXCLUDE (record_id)
FROM nhs_person AS person
INNER JOIN nhs_person_match_field AS match_field
    ON person.record_id = match_field.record_id
