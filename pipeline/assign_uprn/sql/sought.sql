-- One row per address to look up, however many records bear it; address_id numbers them.
CREATE TABLE sought AS
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
