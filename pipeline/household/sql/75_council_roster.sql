-- One row per dwelling that a council service lists people at: records, and those of adults.
CREATE TABLE council_roster AS
SELECT
    dwelling_record_pseudonym AS household_pseudonym,
    COUNT(*) AS listed_records
FROM council_resident
WHERE dwelling_record_pseudonym IS NOT NULL
GROUP BY dwelling_record_pseudonym;
