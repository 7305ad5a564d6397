-- One row per register entry of one patient; the identifiers are in clear and are hashed next.
SELECT
    entry.person_record_id AS resident_record_pseudonym,
    entry.nhs_number AS nhs_number_pseudonym,
    entry.condition,
    entry.onset_date
FROM nhs_condition AS entry
