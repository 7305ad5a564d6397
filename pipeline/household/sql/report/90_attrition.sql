-- One row per rule: the NHS records that remain before it and after it.
CREATE TABLE attrition AS
SELECT
    rule.rule_order,
    rule.rule,
    rule.reason,
    rule.description,
    COUNT(*) FILTER (judged_record.rule_order IS NULL OR judged_record.rule_order >= rule.rule_order)
        AS records_in,
    COUNT(*) FILTER (judged_record.rule_order IS NULL OR judged_record.rule_order > rule.rule_order)
        AS records_out
FROM rule
CROSS JOIN judged_record
GROUP BY rule.rule_order, rule.rule, rule.reason, rule.description;
