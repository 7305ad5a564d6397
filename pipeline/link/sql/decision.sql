-- One row per NHS unit that some dwelling competed for: its best candidate as a comparison vector.
SELECT
    nhs_id AS address_group,
    dwelling_id AS dwelling_record_pseudonym,
    match_weight,
    match_probability,
    margin_match_weight,
    match_key,
    place,
    people,
    evidence_bits,
    contradicted,
    reason
FROM judged
ORDER BY nhs_id
