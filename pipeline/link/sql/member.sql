-- One row per NHS record: its unit's verdict, and how well the list of the dwelling that the unit is linked to
-- knows it (null: not linked).
CREATE TABLE member AS
SELECT
    known.member_id,
    known.unit_id,
    known.dwelling_id,
    known.list_kind,
    judged.reason,
    judged.level,
    judged.match_weight,
    judged.match_probability,
    known.age_years,
    known.listed
FROM known
LEFT JOIN judged ON judged.nhs_id = known.unit_id
