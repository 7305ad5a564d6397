-- One row per resident who is listed at the same dwelling by a council service: what the services record. A
-- listed person is the resident with the same name and birth date, or else the only resident of that age and
-- sex.
CREATE TABLE council_record_of_resident AS
WITH settled AS (
    SELECT
        person_pseudonym,
        dwelling_record_pseudonym,
        person_name_birth,
        age_years,
        sex,
        COUNT(*) OVER (PARTITION BY dwelling_record_pseudonym, age_years, sex) AS alike
    FROM residence
    WHERE failed_rule IS NULL
),
listing AS (
    SELECT
        settled.person_pseudonym,
        settled.person_name_birth = council_resident.person_name_birth AS is_same_name,
        council_resident.service,
        council_resident.free_school_meals,
        council_resident.sen,
        council_resident.good_level_of_development,
        council_resident.school_attendance_percent,
        council_resident.in_work
    FROM settled
    JOIN council_resident
        ON council_resident.dwelling_record_pseudonym = settled.dwelling_record_pseudonym
        AND (
            council_resident.person_name_birth = settled.person_name_birth
            OR (
                settled.alike = 1
                AND council_resident.age_years = settled.age_years
                AND council_resident.sex = settled.sex
            )
        )
)
SELECT
    person_pseudonym,
    COALESCE(BOOL_OR(is_same_name), FALSE) AS is_same_name,
    BOOL_OR(service = 'school_census') AS is_pupil,
    BOOL_OR(free_school_meals) AS has_free_school_meals,
    BOOL_OR(sen IN ('K', 'E')) AS has_special_educational_needs,
    BOOL_OR(good_level_of_development) AS has_good_level_of_development,
    BOOL_OR(school_attendance_percent < 90) AS is_often_absent,
    BOOL_OR(in_work) AS is_in_work
FROM listing
GROUP BY person_pseudonym;
