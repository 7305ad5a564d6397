-- One row per NHS address group linked to a dwelling.
SELECT
    nhs_unit.unit AS address_group,
    dwelling_unit.unit AS dwelling_record_pseudonym,
    decision.match_weight,
    decision.match_probability,
    decision.match_key,
    decision.level,
    decision.margin_match_weight,
    second_unit.unit AS second_dwelling_record_pseudonym,
    decision.evidence_bits,
    decision.contradicted
FROM judged AS decision
INNER JOIN nhs_unit ON nhs_unit.unit_id = decision.nhs_id
INNER JOIN dwelling_unit ON dwelling_unit.unit_id = decision.dwelling_id
LEFT JOIN dwelling_unit AS second_unit ON second_unit.unit_id = decision.second_dwelling_id
WHERE decision.reason = 'linked'
ORDER BY address_group
