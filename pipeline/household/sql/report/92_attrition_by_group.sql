-- One row per rule and group of people: the NHS records that remain before the rule and after it.
CREATE TABLE attrition_by_group AS
WITH grouped AS (
    SELECT
        judged_record.rule_order,
        CASE
            WHEN judged_record.age_years IS NULL THEN 'unknown'
            WHEN judged_record.age_years < 18 THEN '0-17'
            WHEN judged_record.age_years < 40 THEN '18-39'
            WHEN judged_record.age_years < 65 THEN '40-64'
            ELSE '65+'
        END AS age,
        COALESCE(judged_record.sex, 'unknown') AS sex,
        COALESCE(ethnicity.code_group, 'unknown') AS ethnic_group
    FROM judged_record
    LEFT JOIN code_group AS ethnicity
        ON ethnicity.code_list = 'ethnic_category_2001' AND ethnicity.code = judged_record.ethnic_category
),
counted AS (
    SELECT
        CASE
            WHEN age IS NOT NULL THEN 'age'
            WHEN sex IS NOT NULL THEN 'sex'
            ELSE 'ethnic_group'
        END AS characteristic,
        COALESCE(age, sex, ethnic_group) AS category,
        rule_order,
        COUNT(*) AS records
    FROM grouped
    GROUP BY GROUPING SETS ((age, rule_order), (sex, rule_order), (ethnic_group, rule_order))
)
SELECT
    rule.rule_order,
    rule.rule,
    counted.characteristic,
    counted.category,
    CAST(SUM(counted.records) FILTER (
        counted.rule_order IS NULL OR counted.rule_order >= rule.rule_order
    ) AS BIGINT) AS records_in,
    CAST(COALESCE(SUM(counted.records) FILTER (
        counted.rule_order IS NULL OR counted.rule_order > rule.rule_order
    ), 0) AS BIGINT) AS records_out
FROM rule
CROSS JOIN counted
GROUP BY rule.rule_order, rule.rule, counted.characteristic, counted.category;
