-- One row per NHS address group (or part of one): the identifiers, address tokens and person
-- tokens of its members.
CREATE TABLE nhs_unit AS
WITH grouped AS (
    SELECT
        nhs_member.unit_id,
        substr(sha256(nhs_member.group_key || ' ' || nhs_member.part), 1, 32) AS unit,
        MODE(nhs_resident.uprn_pseudonym ORDER BY nhs_resident.uprn_pseudonym) AS uprn,
        {address_lists},
        COUNT(*) AS people,
        {person_lists}
    FROM nhs_resident
    INNER JOIN nhs_member ON nhs_member.record_pseudonym = nhs_resident.record_pseudonym
    GROUP BY
        nhs_member.unit_id,
        nhs_member.group_key,
        nhs_member.part
),
-- The parent of each UPRN that the council knows: siblings share it.
parent AS (
    SELECT
        uprn_pseudonym AS uprn,
        MIN(parent_uprn_pseudonym) AS parent_uprn
    FROM dwelling
    WHERE uprn_pseudonym IS NOT NULL
      AND parent_uprn_pseudonym IS NOT NULL
    GROUP BY uprn_pseudonym
)
SELECT
    grouped.unit_id,
    grouped.unit,
    grouped.uprn,
    NULL::VARCHAR AS previous_uprn,
    NULL::VARCHAR AS parent_uprn,
    parent.parent_uprn AS parent_of_uprn,
    {address_columns},
    grouped.people,
    FALSE AS is_payer_only,
    NULL::VARCHAR AS list_kind,
    {person_columns}
FROM grouped
LEFT JOIN parent ON parent.uprn = grouped.uprn
