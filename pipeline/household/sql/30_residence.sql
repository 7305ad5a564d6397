-- One row per NHS record that passed its own rules: one dwelling, or none, per person.
CREATE TABLE residence AS
WITH ranked AS (
    SELECT
        *,
        RANK() OVER (
            PARTITION BY person_pseudonym
            ORDER BY address_start DESC NULLS LAST, registration_start DESC NULLS LAST
        ) AS recency
    FROM registration
    WHERE failed_rule IS NULL
),
latest AS (
    SELECT
        *,
        COUNT(DISTINCT dwelling_record_pseudonym) OVER (PARTITION BY person_pseudonym, recency) AS dwellings,
        ROW_NUMBER() OVER (
            PARTITION BY person_pseudonym, recency
            ORDER BY dwelling_record_pseudonym NULLS LAST, record_pseudonym
        ) AS position
    FROM ranked
)
SELECT
    latest.* EXCLUDE (failed_rule, recency, dwellings, position),
    CASE
        WHEN latest.recency > 1 THEN 'superseded'
        WHEN latest.dwellings > 1 THEN 'multiple_address'
        WHEN latest.position > 1 THEN 'duplicate_record'
        WHEN latest.dwelling_record_pseudonym IS NULL AND latest.link_reason IN ('ambiguous', 'split_off')
            THEN 'imprecise'
        WHEN latest.dwelling_record_pseudonym IS NULL THEN 'no_match'
        ELSE standing_dwelling.failed_rule
    END AS failed_rule
FROM latest
LEFT JOIN standing_dwelling
    ON standing_dwelling.household_pseudonym = latest.dwelling_record_pseudonym;
