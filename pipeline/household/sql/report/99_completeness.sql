-- One row: the homes and adults that the lists show, and how many of them are in households. home: the council lists
-- people there and does not record it as empty. list_coverage: share of adult residents whom the council's list names.
-- unexplained_adults: listed adults who are no resident of that home, a part of whom have left. surplus_adults: those
-- by whom the list exceeds the residents, less the surplus of homes with one resident and a single person discount,
-- where no one else should be listed. lives_there: mean probability that a resident lives in the household.
CREATE TABLE completeness AS
WITH listed_home AS (
    SELECT DISTINCT dwelling_record_pseudonym AS household_pseudonym
    FROM council_resident
    WHERE dwelling_record_pseudonym IS NOT NULL
),
home AS (
    SELECT
        COUNT(*) FILTER (household.standing = 'household') AS homes_with_residents,
        COUNT(*) FILTER (
            household.household_pseudonym IS NULL
            AND listed_home.household_pseudonym IS NOT NULL
            AND NOT council_dwelling.is_recorded_empty
            AND COALESCE(council_dwelling.failed_rule, 'out_of_area') = 'out_of_area'
        ) AS homes_without_residents
    FROM council_dwelling
    LEFT JOIN household
        ON household.household_pseudonym = council_dwelling.household_pseudonym
    LEFT JOIN listed_home
        ON listed_home.household_pseudonym = council_dwelling.household_pseudonym
),
adult AS (
    SELECT
        household_pseudonym,
        COUNT(*) AS adults,
        COUNT(*) FILTER (is_listed_by_council) AS listed_adults
    FROM household_member
    WHERE standing = 'household' AND (age_years >= 18 OR age_years IS NULL)
    GROUP BY household_pseudonym
),
compared AS (
    SELECT
        adult.adults,
        adult.listed_adults,
        listed_adult.unexplained_adults,
        GREATEST(listed_adult.adults - adult.adults, 0) AS surplus_adults,
        COALESCE(household.single_person_discount, FALSE) AND household.residents = 1 AS is_one_by_discount
    FROM adult
    JOIN household
        ON household.household_pseudonym = adult.household_pseudonym
    JOIN listed_adult
        ON listed_adult.household_pseudonym = adult.household_pseudonym
)
SELECT
    home.homes_with_residents,
    home.homes_without_residents,
    CAST(COALESCE(SUM(compared.adults), 0) AS BIGINT) AS adults,
    (SELECT AVG(match_probability) FROM household_member WHERE standing = 'household') AS lives_there,
    SUM(compared.listed_adults) / NULLIF(SUM(compared.adults), 0) AS list_coverage,
    CAST(COALESCE(SUM(compared.unexplained_adults), 0) AS DOUBLE) AS unexplained_adults,
    GREATEST(
        COALESCE(SUM(compared.surplus_adults), 0)
        - COALESCE(AVG(compared.surplus_adults) FILTER (compared.is_one_by_discount), 0) * COUNT(compared.adults),
        0
    ) AS surplus_adults
FROM home
LEFT JOIN compared
    ON TRUE
GROUP BY home.homes_with_residents, home.homes_without_residents;
