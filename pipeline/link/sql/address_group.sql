-- One row per NHS address group: how many NHS records it has, and whether they have a UPRN.
SELECT
    unit_id AS address_group,
    people AS nhs_records,
    uprn IS NOT NULL AS has_uprn
FROM nhs_unit
ORDER BY unit_id
