-- One row per household that is counted, with a number for joins and the record key of its dwelling.
CREATE OR REPLACE TABLE household_base AS
SELECT
    ROW_NUMBER() OVER (ORDER BY household.household_pseudonym) AS household_id,
    household.* EXCLUDE (standing),
    lsoa.lsoa_id,
    household_record_key.record_key AS household_key
FROM household
JOIN lsoa
    ON lsoa.lsoa21 = household.lsoa21
JOIN household_record_key
    ON household_record_key.anchor = household.dwelling_anchor
WHERE {counted};
