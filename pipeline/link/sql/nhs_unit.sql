-- One row per NHS address group: the identifiers, address tokens and person tokens of its members.
CREATE TABLE nhs_unit AS
SELECT
    nhs_member.unit_id,
    substr(sha256(nhs_member.group_key), 1, 32) AS unit,
    MODE(nhs_resident.uprn_pseudonym ORDER BY nhs_resident.uprn_pseudonym) AS uprn,
    NULL::VARCHAR AS previous_uprn,
    NULL::VARCHAR AS parent_uprn,
    {address_lists},
    COUNT(*) AS people,
    FALSE AS is_payer_only,
    {person_lists}
FROM nhs_resident
INNER JOIN nhs_member ON nhs_member.record_pseudonym = nhs_resident.record_pseudonym
GROUP BY
    nhs_member.unit_id,
    nhs_member.group_key
ORDER BY nhs_member.unit_id
