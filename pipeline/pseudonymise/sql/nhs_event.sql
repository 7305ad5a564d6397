-- One row per event of one patient; the identifiers are in clear and are hashed next.
-- A diagnosis leaves as its ICD-10 chapter, or as the block that a measure needs, because a rare code could
-- identify a person.
WITH coded AS (
    SELECT
        event.*,
        upper(left(trim(event.icd10), 3)) AS icd10_category
    FROM nhs_event AS event
)
SELECT
    coded.person_record_id AS resident_record_pseudonym,
    coded.nhs_number AS nhs_number_pseudonym,
    coded.event,
    coded.event_date,
    CASE
        WHEN regexp_full_match(coded.icd10_category, '[A-Z][0-9][0-9]') IS NOT TRUE THEN NULL
        WHEN coded.icd10_category BETWEEN 'F10' AND 'F19' THEN 'F10-F19'
        WHEN coded.icd10_category BETWEEN 'J40' AND 'J47' THEN 'J40-J47'
        WHEN coded.icd10_category BETWEEN 'W00' AND 'W19' THEN 'W00-W19'
        WHEN coded.icd10_category < 'C00' THEN 'A00-B99'
        WHEN coded.icd10_category < 'D50' THEN 'C00-D48'
        WHEN coded.icd10_category < 'E00' THEN 'D50-D89'
        WHEN coded.icd10_category < 'F00' THEN 'E00-E90'
        WHEN coded.icd10_category < 'G00' THEN 'F00-F99'
        WHEN coded.icd10_category < 'H00' THEN 'G00-G99'
        WHEN coded.icd10_category < 'H60' THEN 'H00-H59'
        WHEN coded.icd10_category < 'I00' THEN 'H60-H95'
        WHEN coded.icd10_category < 'J00' THEN 'I00-I99'
        WHEN coded.icd10_category < 'K00' THEN 'J00-J99'
        WHEN coded.icd10_category < 'L00' THEN 'K00-K93'
        WHEN coded.icd10_category < 'M00' THEN 'L00-L99'
        WHEN coded.icd10_category < 'N00' THEN 'M00-M99'
        WHEN coded.icd10_category < 'O00' THEN 'N00-N99'
        WHEN coded.icd10_category < 'P00' THEN 'O00-O99'
        WHEN coded.icd10_category < 'Q00' THEN 'P00-P96'
        WHEN coded.icd10_category < 'R00' THEN 'Q00-Q99'
        WHEN coded.icd10_category < 'S00' THEN 'R00-R99'
        WHEN coded.icd10_category < 'U00' THEN 'S00-T98'
        WHEN coded.icd10_category < 'V00' THEN 'U00-U99'
        WHEN coded.icd10_category < 'Z00' THEN 'V01-Y98'
        ELSE 'Z00-Z99'
    END AS icd10_chapter_group,
    coded.admission_method
FROM coded
