-- One row per listed person at a known dwelling. The dwelling is the one whose record the list names; without
-- a record, the one with the listed UPRN, unless several dwellings have that UPRN.
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
