-- One row per NHS record: how well the list of the dwelling its unit is linked to knows it (null: not linked).
CREATE TABLE member AS
SELECT
    nhs_member.member_id,
    nhs_member.unit_id,
    dwelling_unit.unit_id AS dwelling_id,
    nhs_member.age_years,
    CASE
        WHEN dwelling_unit.unit_id IS NULL THEN NULL
        WHEN dwelling_unit.people = 0 THEN 'no_list'
        {known_levels}
        ELSE 'nobody'
    END AS listed
FROM nhs_member
LEFT JOIN judged ON judged.nhs_id = nhs_member.unit_id AND judged.reason = 'linked'
LEFT JOIN dwelling_unit ON dwelling_unit.unit_id = judged.dwelling_id
