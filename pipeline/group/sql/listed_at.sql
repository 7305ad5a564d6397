-- One row per listed person of a known dwelling: the dwelling that the list names by its record, or else by
-- a UPRN that one dwelling alone bears.
SELECT
    listed.row,
    COALESCE(by_record.unit_id, by_uprn.unit_id) AS dwelling_id
FROM listed
LEFT JOIN dwelling AS by_record ON hash(by_record.unit) = listed.dwelling
LEFT JOIN (
    SELECT
        uprn,
        MIN(unit_id) AS unit_id
    FROM dwelling
    WHERE uprn IS NOT NULL
    GROUP BY uprn
    HAVING COUNT(*) = 1
) AS by_uprn
    ON by_uprn.uprn = listed.uprn
    AND listed.dwelling IS NULL
WHERE COALESCE(by_record.unit_id, by_uprn.unit_id) IS NOT NULL
