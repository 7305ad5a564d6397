-- One row per dwelling with residents who passed every rule on record and link, with the rule on age and
-- number of residents that the dwelling fails, if any.
CREATE TABLE occupied_dwelling AS
WITH practice AS (
    SELECT
        dwelling_record_pseudonym,
        practice_code,
        COUNT(*) AS registered
    FROM residence
    WHERE failed_rule IS NULL AND practice_code IS NOT NULL
    GROUP BY dwelling_record_pseudonym, practice_code
),
main_practice AS (
    SELECT
        dwelling_record_pseudonym,
        MAX(registered) AS registered
    FROM practice
    GROUP BY dwelling_record_pseudonym
),
counted AS (
    SELECT
        dwelling_record_pseudonym,
        COUNT(*) AS residents,
        COUNT(*) FILTER (age_years >= 75) AS aged_75_and_over,
        COUNT(*) FILTER (age_years BETWEEN 17 AND 24) AS aged_17_to_24,
        COUNT(*) FILTER (age_years > $older_age) AS older
    FROM residence
    WHERE failed_rule IS NULL
    GROUP BY dwelling_record_pseudonym
)
SELECT
    counted.dwelling_record_pseudonym AS household_pseudonym,
    counted.residents,
    counted.older = counted.residents AS all_older,
    CASE
        WHEN counted.residents > 5
            AND 10 * counted.aged_75_and_over >= 9 * counted.residents
            AND 10 * main_practice.registered >= 9 * counted.residents THEN 'communal_evident'
        WHEN counted.residents > 10
            AND 10 * counted.aged_17_to_24 >= 9 * counted.residents THEN 'communal_evident'
        WHEN counted.residents > $maximum_residents
            OR (counted.residents > $maximum_older_residents AND counted.older = counted.residents)
            THEN 'improbable_size'
    END AS failed_rule
FROM counted
LEFT JOIN main_practice
    ON main_practice.dwelling_record_pseudonym = counted.dwelling_record_pseudonym;
