-- One row per dwelling: what council services know of the people listed there.
CREATE TABLE council_roster AS
SELECT
    dwelling_record_pseudonym AS household_pseudonym,
    COUNT(*) AS listed_records,
    COUNT(*) FILTER (service = 'school_census') AS pupils,
    COUNT(*) FILTER (service = 'school_census' AND school_attendance_percent IS NOT NULL)
        AS pupils_with_attendance,
    COUNT(*) FILTER (service = 'school_census' AND school_attendance_percent < 90) AS pupils_often_absent,
    COUNT(*) FILTER (free_school_meals) AS pupils_with_free_school_meals,
    COUNT(*) FILTER (good_level_of_development IS NOT NULL) AS children_assessed,
    COUNT(*) FILTER (good_level_of_development) AS children_with_good_development,
    COUNT(*) FILTER (age_years BETWEEN 16 AND 64 AND in_work IS NOT NULL) AS adults_with_work_status,
    COUNT(*) FILTER (age_years BETWEEN 16 AND 64 AND in_work) AS adults_in_work
FROM council_resident
WHERE dwelling_record_pseudonym IS NOT NULL
GROUP BY dwelling_record_pseudonym;
