-- One row per UPRN and address of the list; listed_id is the number of the UPRN, from 1.
CREATE TABLE listed AS
WITH usable AS (
    SELECT
        uprn_canonical(uprn) AS uprn,
        address,
        postcode,
        -- The address without differences of spelling: two UPRNs with the same one cannot be distinguished.
        regexp_replace(upper(concat_ws(' ', address, postcode)), '[^0-9A-Z]', '', 'g') AS bare_address
    FROM list_row
    WHERE uprn IS NOT NULL
      AND uprn_reason(uprn) IS NULL
      AND address IS NOT NULL
),
distinct_address AS (
    SELECT
        uprn,
        bare_address,
        arg_min(ROW(address, postcode), ROW(address, postcode)) AS spelling
    FROM usable
    GROUP BY
        uprn,
        bare_address
)
SELECT
    CAST(dense_rank() OVER (ORDER BY uprn) AS BIGINT) AS listed_id,
    uprn,
    spelling[1] AS address,
    spelling[2] AS postcode,
    bare_address
FROM distinct_address
ORDER BY
    listed_id,
    address,
    postcode
