-- One row per stratum of people with a usual address on the reference date: how many are residents of
-- dwellings, and how many have an address that could not be linked to one dwelling.
CREATE TABLE placement AS
WITH placed AS (
    SELECT
        CASE
            WHEN residence.age_years < 18 THEN '0-17'
            WHEN residence.age_years < 40 THEN '18-39'
            WHEN residence.age_years < 65 THEN '40-64'
            WHEN residence.age_years >= 65 THEN '65+'
            ELSE 'unknown'
        END AS age_group,
        COALESCE(residence.sex, 'unknown') AS sex,
        COALESCE({emergency_admissions} > 0, FALSE) AS is_admitted,
        residence.failed_rule
    FROM residence
    {outcome_joins}
)
SELECT
    age_group,
    sex,
    is_admitted,
    COUNT(*) FILTER (failed_rule IS NULL) AS persons_placed,
    COUNT(*) FILTER (failed_rule IN ('no_match', 'imprecise')) AS persons_not_placed
FROM placed
GROUP BY age_group, sex, is_admitted;
