-- One row per dwelling at which a council service lists people: the number of listed records.
CREATE TABLE council_roster AS
SELECT
    dwelling_record_pseudonym AS household_pseudonym,
    COUNT(*) AS listed_records
FROM council_resident
WHERE dwelling_record_pseudonym IS NOT NULL
GROUP BY dwelling_record_pseudonym;
