-- One row per NHS record that passed the rules of `registration`, with the rule on the person's dwelling that
-- it fails, if any. At most one record of a person passes: the latest, if it is linked to one dwelling.
CREATE TABLE residence AS
WITH own AS (
    SELECT * EXCLUDE (failed_rule)
    FROM registration
    WHERE failed_rule IS NULL
),
repeated_person AS (
    SELECT person_pseudonym
    FROM own
    GROUP BY person_pseudonym
    HAVING COUNT(*) > 1
),
ranked AS (
    SELECT
        *,
        RANK() OVER (
            PARTITION BY person_pseudonym
            ORDER BY address_start DESC NULLS LAST, registration_start DESC NULLS LAST
        ) AS recency
    FROM own
    WHERE person_pseudonym IN (SELECT person_pseudonym FROM repeated_person)
),
latest AS (
    SELECT
        *,
        MIN(dwelling_record_pseudonym) OVER (PARTITION BY person_pseudonym, recency)
            <> MAX(dwelling_record_pseudonym) OVER (PARTITION BY person_pseudonym, recency) AS names_several,
        ROW_NUMBER() OVER (
            PARTITION BY person_pseudonym, recency
            ORDER BY dwelling_record_pseudonym NULLS LAST, record_pseudonym
        ) AS position
    FROM ranked
    UNION ALL
    SELECT
        *,
        1 AS recency,
        FALSE AS names_several,
        1 AS position
    FROM own
    WHERE person_pseudonym NOT IN (SELECT person_pseudonym FROM repeated_person)
)
SELECT
    latest.* EXCLUDE (recency, names_several, position),
    CASE
        WHEN latest.recency > 1 THEN 'superseded'
        WHEN latest.names_several THEN 'multiple_address'
        WHEN latest.position > 1 THEN 'duplicate_record'
        WHEN latest.dwelling_record_pseudonym IS NULL AND latest.link_reason IN ('ambiguous', 'split_off')
            THEN 'imprecise'
        WHEN latest.dwelling_record_pseudonym IS NULL THEN 'no_match'
        ELSE council_dwelling.failed_rule
    END AS failed_rule
FROM latest
LEFT JOIN council_dwelling
    ON council_dwelling.household_pseudonym = latest.dwelling_record_pseudonym;
