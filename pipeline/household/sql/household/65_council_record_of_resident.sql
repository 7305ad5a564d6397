-- One row per resident that a council service lists: what the services record, and the strongest evidence that
-- the listed person is the resident.
CREATE TABLE council_record_of_resident AS
SELECT
    listed_person.person_pseudonym,
    list_extract(
        ['name_and_birth', 'part_of_birth', 'part_of_name', 'name', 'initial_and_surname', 'age_and_sex'],
        MIN(listed_person.evidence)
    ) AS evidence,
    BOOL_OR(council_resident.service = 'school_census') AS is_pupil,
    BOOL_OR(council_resident.free_school_meals) AS has_free_school_meals,
    BOOL_OR(council_resident.sen IN ('K', 'E')) AS has_special_educational_needs,
    BOOL_OR(council_resident.good_level_of_development) AS has_good_level_of_development,
    BOOL_OR(council_resident.school_attendance_percent < 90) AS is_often_absent,
    -- where two services disagree, the larger absence, as in the line above
    CAST(ROUND(100 - MIN(council_resident.school_attendance_percent)) AS INTEGER) AS sessions_missed_percent,
    BOOL_OR(council_resident.in_work) AS is_in_work
FROM listed_person
JOIN council_resident
    ON council_resident.record_pseudonym = listed_person.record_pseudonym
WHERE listed_person.person_pseudonym IS NOT NULL
GROUP BY listed_person.person_pseudonym;
