-- One row per address to look up, however many records have it; address_id is its number, from 1.
CREATE TABLE address_to_match AS
WITH recorded AS (
    SELECT DISTINCT
        address,
        postcode
    FROM extract_row
    WHERE address IS NOT NULL
      AND (
          uprn IS NULL
          OR $compares_supplied
          OR (list_contains($overwrites, 'unusable') AND uprn_reason(uprn) IS NOT NULL)
      )
)
SELECT
    row_number() OVER (ORDER BY address, postcode) AS address_id,
    address,
    postcode
FROM recorded
ORDER BY address_id
