-- One row per NHS unit with a candidate: its best candidate as a comparison vector, with the decision.
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
FROM recorded_match
ORDER BY nhs_id
