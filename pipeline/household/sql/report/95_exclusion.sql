-- One row per reason and rule: the number of people in no household, each under the rule of
-- `judged_person`.
CREATE TABLE exclusion AS
SELECT
    rule.reason,
    rule.rule,
    COUNT(*) AS residents
FROM judged_person
JOIN rule
    ON rule.rule_order = judged_person.rule_order
GROUP BY rule.reason, rule.rule;
