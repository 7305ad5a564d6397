-- One row per NHS record: where it was linked, or why not.
SELECT
    outcome.nhs_record_pseudonym,
    outcome.address_group,
    dwelling_unit.unit AS dwelling_record_pseudonym,
    outcome.reason,
    outcome.level,
    outcome.match_weight,
    outcome.match_probability,
    outcome.listed_level,
    outcome.residence_match_weight
FROM outcome
LEFT JOIN dwelling_unit ON dwelling_unit.unit_id = outcome.dwelling_id
ORDER BY outcome.nhs_record_pseudonym
