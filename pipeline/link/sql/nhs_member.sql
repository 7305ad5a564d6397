-- One row per NHS record: the address group it belongs to.
CREATE TABLE nhs_member AS
WITH keyed AS (
    SELECT
        record_pseudonym,
        COALESCE(
            'supplied ' || address_group_pseudonym,
            'address ' || uprn_pseudonym || ' ' || COALESCE(address_exact, ''),
            'address ' || address_exact,
            'address ' || address_unit_street[1],
            'record ' || record_pseudonym
        ) AS group_key
    FROM nhs_resident
)
SELECT
    record_pseudonym,
    group_key,
    DENSE_RANK() OVER (ORDER BY group_key) AS unit_id
FROM keyed
ORDER BY record_pseudonym
