-- One row per NHS address group.
SELECT
    unit AS address_group,
    people AS nhs_records,
    uprn IS NOT NULL AS has_uprn
FROM nhs_unit
ORDER BY address_group
