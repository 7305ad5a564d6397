-- One row per NHS unit that some dwelling competed for: its best candidate as a comparison vector.
SELECT
    nhs_unit.unit AS address_group,
    dwelling_unit.unit AS dwelling_record_pseudonym,
    judged.match_weight,
    judged.match_probability,
    judged.margin_match_weight,
    judged.match_key,
    judged.place,
    judged.people,
    judged.evidence_bits,
    judged.contradicted,
    judged.reason
FROM judged
INNER JOIN nhs_unit ON nhs_unit.unit_id = judged.nhs_id
INNER JOIN dwelling_unit ON dwelling_unit.unit_id = judged.dwelling_id
ORDER BY address_group
