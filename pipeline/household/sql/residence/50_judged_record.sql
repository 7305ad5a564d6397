-- One row per NHS record: the rule that left it out and its position in the order of rules; null for a
-- resident of a household.
CREATE TABLE judged_record AS
WITH judged AS (
    SELECT
        registration.record_pseudonym,
        registration.person_pseudonym,
        registration.age_years,
        registration.sex,
        registration.ethnic_category,
        COALESCE(registration.failed_rule, residence.failed_rule, occupied_dwelling.failed_rule) AS failed_rule
    FROM registration
    LEFT JOIN residence
        ON residence.record_pseudonym = registration.record_pseudonym
    LEFT JOIN occupied_dwelling
        ON occupied_dwelling.household_pseudonym = residence.dwelling_record_pseudonym
        AND residence.failed_rule IS NULL
)
SELECT
    judged.*,
    rule.rule_order,
    rule.reason
FROM judged
LEFT JOIN rule
    ON rule.rule = judged.failed_rule;
