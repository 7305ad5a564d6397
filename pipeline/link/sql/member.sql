-- One row per NHS record: its unit's verdict, and how well the list of the dwelling that the unit is linked to
-- knows it (null: not linked).
CREATE TABLE member AS
SELECT
    nhs_member.member_id,
    nhs_member.unit_id,
    dwelling_unit.unit_id AS dwelling_id,
    dwelling_unit.list_kind,
    judged.reason,
    judged.level,
    judged.match_weight,
    judged.match_probability,
    nhs_member.age_years,
    CASE
        WHEN dwelling_unit.unit_id IS NULL THEN NULL
        WHEN dwelling_unit.people = 0 THEN 'no_list'
        {known_levels}
        ELSE 'nobody'
    END AS listed
FROM nhs_member
LEFT JOIN judged ON judged.nhs_id = nhs_member.unit_id
LEFT JOIN dwelling_unit
    ON dwelling_unit.unit_id = CASE WHEN judged.reason = 'linked' THEN judged.dwelling_id END
