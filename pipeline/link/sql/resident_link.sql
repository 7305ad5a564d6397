-- One row per NHS record: where it was linked, or why not.
SELECT
    nhs_member.record_pseudonym AS nhs_record_pseudonym,
    nhs_unit.unit AS address_group,
    CASE WHEN judged.reason = 'linked' THEN dwelling_unit.unit END AS dwelling_record_pseudonym,
    COALESCE(judged.reason, 'no_candidate') AS reason,
    CASE WHEN judged.reason = 'linked' THEN judged.level END AS level,
    judged.match_weight,
    judged.match_probability
FROM nhs_member
INNER JOIN nhs_unit ON nhs_unit.unit_id = nhs_member.unit_id
LEFT JOIN judged ON judged.nhs_id = nhs_member.unit_id
LEFT JOIN dwelling_unit ON dwelling_unit.unit_id = judged.dwelling_id
ORDER BY nhs_record_pseudonym
