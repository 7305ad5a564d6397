-- One row per resident that a council service lists: what the services record, and the strongest evidence that
-- the listed person is the resident. A listed person is the resident of that dwelling who agrees best by name,
-- birth date, age and sex; none if two residents agree equally well.
CREATE TABLE council_record_of_resident AS
WITH settled AS (
    SELECT
        residence.person_pseudonym,
        residence.dwelling_record_pseudonym,
        residence.age_years,
        residence.sex,
        nhs_resident.person_name_birth,
        nhs_resident.person_name_birth_part,
        nhs_resident.person_surname_birth,
        nhs_resident.person_forename_birth,
        nhs_resident.person_name,
        nhs_resident.person_name_sector,
        nhs_resident.person_initial_surname_sector,
        COUNT(*) OVER (
            PARTITION BY residence.dwelling_record_pseudonym, residence.age_years, residence.sex
        ) AS alike
    FROM residence
    JOIN nhs_resident
        ON nhs_resident.record_pseudonym = residence.record_pseudonym
    WHERE residence.failed_rule IS NULL
),
only_dwelling AS (
    SELECT
        uprn_pseudonym,
        ANY_VALUE(record_pseudonym) AS dwelling_record_pseudonym
    FROM dwelling
    WHERE uprn_pseudonym IS NOT NULL
    GROUP BY uprn_pseudonym
    HAVING COUNT(*) = 1
),
listed AS (
    SELECT council_resident.* REPLACE (
        COALESCE(council_resident.dwelling_record_pseudonym, only_dwelling.dwelling_record_pseudonym)
            AS dwelling_record_pseudonym
    )
    FROM council_resident
    LEFT JOIN only_dwelling
        ON only_dwelling.uprn_pseudonym = council_resident.uprn_pseudonym
),
candidate AS (
    SELECT
        listed.record_pseudonym,
        settled.person_pseudonym,
        CASE
            WHEN settled.person_name_birth = listed.person_name_birth THEN 1
            WHEN list_has_any(settled.person_name_birth_part, listed.person_name_birth_part) THEN 2
            WHEN list_has_any(settled.person_surname_birth, listed.person_surname_birth)
                OR list_has_any(settled.person_forename_birth, listed.person_forename_birth) THEN 3
            -- below, an age or a sex that both records have must agree
            WHEN abs(settled.age_years - listed.age_years) > 1
                OR (settled.sex, listed.sex) IN (('1', '2'), ('2', '1')) THEN NULL
            WHEN settled.person_name = listed.person_name
                OR list_has_any(settled.person_name_sector, listed.person_name_sector) THEN 4
            WHEN list_has_any(
                settled.person_initial_surname_sector, listed.person_initial_surname_sector
            ) THEN 5
            WHEN settled.alike = 1 AND settled.age_years = listed.age_years AND settled.sex = listed.sex THEN 6
        END AS evidence
    FROM settled
    JOIN listed
        ON listed.dwelling_record_pseudonym = settled.dwelling_record_pseudonym
    UNION ALL
    -- name and birth date decide where a service records neither the property nor the UPRN of one dwelling
    SELECT
        listed.record_pseudonym,
        settled.person_pseudonym,
        1 AS evidence
    FROM settled
    JOIN listed
        ON listed.person_name_birth = settled.person_name_birth
    WHERE listed.dwelling_record_pseudonym IS NULL
),
best AS (
    SELECT
        record_pseudonym,
        arg_min(person_pseudonym, evidence) AS person_pseudonym,
        MIN(evidence) AS evidence,
        COUNT(*) FILTER (is_best) AS equally_good
    FROM (
        SELECT
            *,
            evidence = MIN(evidence) OVER (PARTITION BY record_pseudonym) AS is_best
        FROM candidate
        WHERE evidence IS NOT NULL
    )
    GROUP BY record_pseudonym
)
SELECT
    best.person_pseudonym,
    list_extract(
        ['name_and_birth', 'part_of_birth', 'part_of_name', 'name', 'initial_and_surname', 'age_and_sex'],
        MIN(best.evidence)
    ) AS evidence,
    BOOL_OR(listed.service = 'school_census') AS is_pupil,
    BOOL_OR(listed.free_school_meals) AS has_free_school_meals,
    BOOL_OR(listed.sen IN ('K', 'E')) AS has_special_educational_needs,
    BOOL_OR(listed.good_level_of_development) AS has_good_level_of_development,
    BOOL_OR(listed.school_attendance_percent < 90) AS is_often_absent,
    -- where two services disagree, the larger absence, as in the line above
    CAST(ROUND(100 - MIN(listed.school_attendance_percent)) AS INTEGER) AS sessions_missed_percent,
    BOOL_OR(listed.in_work) AS is_in_work
FROM best
JOIN listed
    ON listed.record_pseudonym = best.record_pseudonym
WHERE best.equally_good = 1
GROUP BY best.person_pseudonym;
