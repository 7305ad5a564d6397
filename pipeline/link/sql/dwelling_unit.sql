-- One row per council dwelling: its identifiers, address tokens and the tokens of the people listed there.
CREATE TABLE dwelling_unit AS
WITH resident AS (
    SELECT
        COALESCE(council_resident.dwelling_record_pseudonym, by_uprn.record_pseudonym) AS dwelling,
        council_resident.*
    FROM council_resident
    LEFT JOIN (
        SELECT
            uprn_pseudonym,
            MIN(record_pseudonym) AS record_pseudonym
        FROM dwelling
        WHERE uprn_pseudonym IS NOT NULL
        GROUP BY uprn_pseudonym
    ) AS by_uprn ON by_uprn.uprn_pseudonym = council_resident.uprn_pseudonym
),
-- Numbered before the wide columns join it: rows of tokens are dear to sort.
numbered AS (
    SELECT
        record_pseudonym,
        ROW_NUMBER() OVER (ORDER BY record_pseudonym) AS unit_id
    FROM dwelling
),
household AS (
    SELECT
        dwelling,
        COUNT(*) AS people,
        COUNT(*) FILTER (service = 'council_tax' AND role = 'liable') = COUNT(*) AS is_payer_only,
        CASE
            WHEN BOOL_OR(service IN ('benefits', 'housing')) THEN 'tenants'
            WHEN BOOL_OR(service = 'electoral_register') THEN 'electors'
            ELSE 'payers'
        END AS list_kind,
        {person_lists}
    FROM resident
    WHERE dwelling IS NOT NULL
    GROUP BY dwelling
)
SELECT
    numbered.unit_id,
    dwelling.record_pseudonym AS unit,
    dwelling.uprn_pseudonym AS uprn,
    dwelling.previous_uprn_pseudonym AS previous_uprn,
    dwelling.parent_uprn_pseudonym AS parent_uprn,
    NULL::VARCHAR AS parent_of_uprn,
    {address_lists},
    COALESCE(household.people, 0) AS people,
    COALESCE(household.is_payer_only, FALSE) AS is_payer_only,
    household.list_kind,
    {person_columns}
FROM dwelling
INNER JOIN numbered ON numbered.record_pseudonym = dwelling.record_pseudonym
LEFT JOIN household ON household.dwelling = dwelling.record_pseudonym
