-- One row per person: the furthest any of their records came; a null rule order means resident.
CREATE TABLE judged_person AS
SELECT
    person_pseudonym,
    CASE WHEN BOOL_OR(failed_rule IS NULL) THEN NULL ELSE MAX(rule_order) FILTER (reason IS NOT NULL) END
        AS rule_order
FROM judged_record
GROUP BY person_pseudonym;
