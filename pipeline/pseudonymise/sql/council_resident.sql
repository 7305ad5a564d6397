-- One row per person registered with a council service; the identifiers are in clear and are hashed next.
SELECT
    person.record_id AS record_pseudonym,
    person.property_record_id AS dwelling_record_pseudonym,
    person.uprn AS uprn_pseudonym,
    person.service,
    person.role,
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
    person.free_school_meals,
    person.sen,
    person.good_level_of_development,
    person.school_attendance_percent,
    person.in_work,
    match_field.* EXCLUDE (record_id)
FROM council_person AS person
INNER JOIN council_person_match_field AS match_field
    ON person.record_id = match_field.record_id
