-- One row per dwelling of household_member: the bedrooms required by the bedroom standard of the Census. Who is a
-- couple is not recorded, so the couples are those plausible ones, at most two, that need the fewest bedrooms.
-- Null where an age is unknown, and where the number depends on a sex that is unknown.
CREATE TABLE bedroom_standard AS
WITH spread AS (
    SELECT
        household_member.household_pseudonym,
        ANY_VALUE(council_dwelling.is_hmo) AS is_hmo,
        COUNT(*) AS residents,
        MIN(age_years) AS youngest,
        MAX(age_years) AS eldest,
        COUNT(*) FILTER (sex IS NULL OR sex NOT IN ('1', '2')) AS residents_of_unknown_sex
    FROM household_member
    JOIN council_dwelling
        ON council_dwelling.household_pseudonym = household_member.household_pseudonym
    GROUP BY household_member.household_pseudonym
    HAVING COUNT(*) = COUNT(age_years)
),
-- Each resident; twice in a household with one resident of unknown sex, who is assumed to be of either sex.
resident AS (
    SELECT
        household_member.household_pseudonym,
        assumption.assumed_sex,
        ROW_NUMBER() OVER (
            PARTITION BY household_member.household_pseudonym, assumption.assumed_sex
            ORDER BY household_member.person_pseudonym
        ) AS position,
        household_member.age_years AS age,
        CASE
            WHEN household_member.sex IN ('1', '2') THEN household_member.sex
            ELSE assumption.assumed_sex
        END AS sex,
        household_member.age_years < 16
            OR (household_member.age_years <= 18 AND spread.eldest >= household_member.age_years + 16)
            AS is_dependent
    FROM household_member
    JOIN spread
        ON spread.household_pseudonym = household_member.household_pseudonym
    JOIN (VALUES ('1'), ('2')) AS assumption(assumed_sex)
        ON assumption.assumed_sex = '1' OR spread.residents_of_unknown_sex = 1
    WHERE spread.residents_of_unknown_sex <= 1
),
counted AS (
    SELECT
        household_pseudonym,
        assumed_sex,
        COUNT(*) FILTER (NOT is_dependent) AS adults,
        COUNT(*) FILTER (age >= 21) AS aged_21_and_over,
        COUNT(*) FILTER (age BETWEEN 10 AND 20 AND sex = '1') AS males_10_to_20,
        COUNT(*) FILTER (age BETWEEN 10 AND 20 AND sex = '2') AS females_10_to_20,
        COUNT(*) FILTER (age < 10 AND sex = '1') AS males_0_to_9,
        COUNT(*) FILTER (age < 10 AND sex = '2') AS females_0_to_9
    FROM resident
    GROUP BY household_pseudonym, assumed_sex
),
-- Two adults of any age from 16, less than 16 years apart. A man and a woman who could both be the children
-- of an older resident are a couple only if they could be the parents of a child; two of one sex are a couple only if
-- they are the only adults and could be the parents of a child.
plausible_couple AS (
    SELECT
        one.household_pseudonym,
        one.assumed_sex,
        one.position AS first_position,
        other.position AS second_position,
        CAST(one.age >= 21 AS BIGINT) + CAST(other.age >= 21 AS BIGINT) AS aged_21_and_over,
        CAST(one.age < 21 AND one.sex = '1' AS BIGINT) + CAST(other.age < 21 AND other.sex = '1' AS BIGINT)
            AS young_men,
        CAST(one.age < 21 AND one.sex = '2' AS BIGINT) + CAST(other.age < 21 AND other.sex = '2' AS BIGINT)
            AS young_women
    FROM resident AS one
    JOIN resident AS other
        ON other.household_pseudonym = one.household_pseudonym
        AND other.assumed_sex = one.assumed_sex
        AND other.position > one.position
    JOIN spread
        ON spread.household_pseudonym = one.household_pseudonym
    JOIN counted
        ON counted.household_pseudonym = one.household_pseudonym
        AND counted.assumed_sex = one.assumed_sex
    WHERE NOT one.is_dependent
        AND NOT other.is_dependent
        AND abs(one.age - other.age) < 16
        AND spread.residents <= 30
        AND NOT COALESCE(spread.is_hmo, FALSE)
        AND (
            (spread.youngest < 18 AND spread.youngest <= least(one.age, other.age) - 16
                AND (one.sex <> other.sex OR counted.adults = 2))
            OR (one.sex <> other.sex AND spread.eldest < greatest(one.age, other.age) + 16)
        )
),
-- The ways to choose couples: none, one, or two of different people.
choice AS (
    SELECT
        household_pseudonym,
        assumed_sex,
        0 AS couples,
        0 AS aged_21_and_over,
        0 AS young_men,
        0 AS young_women
    FROM counted
    UNION
    SELECT
        household_pseudonym,
        assumed_sex,
        1 AS couples,
        aged_21_and_over,
        young_men,
        young_women
    FROM plausible_couple
    UNION
    SELECT
        one.household_pseudonym,
        one.assumed_sex,
        2 AS couples,
        one.aged_21_and_over + other.aged_21_and_over AS aged_21_and_over,
        one.young_men + other.young_men AS young_men,
        one.young_women + other.young_women AS young_women
    FROM plausible_couple AS one
    JOIN plausible_couple AS other
        ON other.household_pseudonym = one.household_pseudonym
        AND other.assumed_sex = one.assumed_sex
        AND other.first_position > one.first_position
        AND one.second_position NOT IN (other.first_position, other.second_position)
),
single AS (
    SELECT
        choice.household_pseudonym,
        choice.assumed_sex,
        choice.couples,
        counted.aged_21_and_over - choice.aged_21_and_over AS aged_21_and_over,
        counted.males_10_to_20 - choice.young_men AS males_10_to_20,
        counted.females_10_to_20 - choice.young_women AS females_10_to_20,
        counted.males_0_to_9,
        counted.females_0_to_9
    FROM choice
    JOIN counted
        ON counted.household_pseudonym = choice.household_pseudonym
        AND counted.assumed_sex = choice.assumed_sex
),
fewest AS (
    SELECT
        household_pseudonym,
        assumed_sex,
        MIN(
            couples + aged_21_and_over
            + (males_10_to_20 + 1) // 2
            + (females_10_to_20 + 1) // 2
            + (
                males_0_to_9 + females_0_to_9
                - CAST(males_10_to_20 % 2 = 1 AND males_0_to_9 > 0 AS BIGINT)
                - CAST(females_10_to_20 % 2 = 1 AND females_0_to_9 > 0 AS BIGINT)
                + 1
            ) // 2
        ) AS bedrooms
    FROM single
    GROUP BY household_pseudonym, assumed_sex
)
SELECT
    household_pseudonym,
    CASE WHEN MIN(bedrooms) = MAX(bedrooms) THEN MIN(bedrooms) END AS bedrooms_required
FROM fewest
GROUP BY household_pseudonym;
