-- One row per dwelling of household_member: counts by age, dependants, composition, and the bedrooms required. The
-- composition is unknown where two of the three sources (NHS, council's list, single person discount) contradict the
-- NHS on whether one adult lives there, and where two contradict each other without a third.
CREATE TABLE composition AS
WITH spread AS (
    SELECT
        household_pseudonym,
        MIN(age_years) AS youngest,
        MAX(age_years) AS eldest
    FROM household_member
    GROUP BY household_pseudonym
),
placed AS (
    SELECT
        household_member.household_pseudonym,
        household_member.standing,
        household_member.age_years AS age,
        household_member.moved_in_last_year,
        household_member.is_listed_by_council,
        household_member.age_years < 16
            OR (household_member.age_years <= 18 AND spread.eldest >= household_member.age_years + 16)
            AS is_dependent,
        household_member.age_years >= spread.youngest + 16 AND spread.eldest >= household_member.age_years + 16
            AND spread.youngest < 18 AS is_middle_generation
    FROM household_member
    JOIN spread
        ON spread.household_pseudonym = household_member.household_pseudonym
),
counted AS (
    SELECT
        household_pseudonym,
        ANY_VALUE(standing) AS standing,
        COUNT(*) AS residents,
        COUNT(*) FILTER (age IS NULL) AS residents_of_unknown_age,
        COUNT(*) FILTER (age < 5) AS residents_0_to_4,
        COUNT(*) FILTER (age BETWEEN 5 AND 15) AS residents_5_to_15,
        COUNT(*) FILTER (age BETWEEN 16 AND 64) AS residents_16_to_64,
        COUNT(*) FILTER (age >= 65) AS residents_65_and_over,
        COUNT(*) FILTER (age > 67) AS residents_over_67,
        COUNT(*) FILTER (is_dependent) AS dependants,
        COUNT(*) FILTER (NOT is_dependent) AS adults,
        MAX(age) FILTER (NOT is_dependent) AS eldest_adult,
        MIN(age) FILTER (NOT is_dependent) AS youngest_adult,
        BOOL_OR(is_middle_generation) AS has_three_generations,
        BOOL_OR(moved_in_last_year) AS has_recent_mover,
        COUNT(*) FILTER (is_listed_by_council) AS residents_listed_by_council
    FROM placed
    GROUP BY household_pseudonym
),
paired AS (
    SELECT
        *,
        COALESCE(adults = 2 AND eldest_adult - youngest_adult < 16, FALSE) AS is_pair
    FROM counted
),
witnessed AS (
    SELECT
        counted.household_pseudonym,
        counted.adults = 1 AS nhs_counts_one,
        council_dwelling.single_person_discount AS discount_counts_one,
        CASE WHEN listed_adult.adults > 0 THEN listed_adult.adults = 1 END AS list_counts_one
    FROM counted
    JOIN council_dwelling
        ON council_dwelling.household_pseudonym = counted.household_pseudonym
    JOIN listed_adult
        ON listed_adult.household_pseudonym = counted.household_pseudonym
    WHERE counted.residents_of_unknown_age = 0
),
voted AS (
    SELECT
        *,
        list_sum(list_transform(
            [nhs_counts_one, discount_counts_one, list_counts_one],
            lambda counts_one: CASE counts_one WHEN TRUE THEN 1 WHEN FALSE THEN -1 ELSE 0 END
        )) AS balance
    FROM witnessed
),
-- A list that is short of a resident is no evidence, because not everyone is listed; a listed adult who is no
-- resident is.
judged AS (
    SELECT
        household_pseudonym,
        nhs_counts_one,
        CASE
            WHEN balance <> 0 THEN balance > 0
            WHEN discount_counts_one IS NULL AND list_counts_one THEN FALSE
        END AS is_one_adult
    FROM voted
)
SELECT
    paired.household_pseudonym,
    standing,
    residents,
    residents_of_unknown_age,
    residents_0_to_4,
    residents_5_to_15,
    residents_16_to_64,
    residents_65_and_over,
    residents_over_67,
    dependants,
    adults,
    is_pair,
    has_recent_mover,
    residents_listed_by_council,
    judged.is_one_adult,
    CASE
        WHEN dependants > 0 THEN FALSE
        WHEN judged.is_one_adult AND residents_65_and_over > 0 AND residents_65_and_over < residents THEN NULL
        ELSE judged.is_one_adult
    END AS lives_alone,
    CASE
        WHEN residents_of_unknown_age > 0 THEN NULL
        WHEN judged.is_one_adult IS DISTINCT FROM judged.nhs_counts_one THEN NULL
        WHEN residents = 1 AND residents_65_and_over = 1 THEN 'one_person_65_and_over'
        WHEN residents = 1 THEN 'one_person_under_65'
        WHEN COALESCE(has_three_generations, FALSE) THEN 'multi_generation'
        WHEN is_pair AND dependants = 0 THEN 'couple_without_children'
        WHEN is_pair THEN 'couple_with_children'
        WHEN adults = 1 AND dependants > 0 THEN 'lone_parent'
        ELSE 'other'
    END AS composition,
    bedroom_standard.bedrooms_required
FROM paired
LEFT JOIN judged
    ON judged.household_pseudonym = paired.household_pseudonym
LEFT JOIN bedroom_standard
    ON bedroom_standard.household_pseudonym = paired.household_pseudonym;
