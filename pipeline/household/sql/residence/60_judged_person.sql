-- One row per person: the rule that left out the record that came furthest. A null rule_order means that the
-- person is a resident of a household.
CREATE TABLE judged_person AS
SELECT
    person_pseudonym,
    CASE WHEN BOOL_OR(failed_rule IS NULL) THEN NULL ELSE MAX(rule_order) FILTER (reason IS NOT NULL) END
        AS rule_order
FROM judged_record
GROUP BY person_pseudonym;
