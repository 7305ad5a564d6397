-- One row per NHS record that goes with a move: known at the new dwelling, or of a unit that had none.
CREATE TABLE moved_member AS
SELECT
    nhs_member.member_id,
    nhs_member.unit_id,
    moved.dwelling_id,
    moved.match_weight,
    moved.match_probability,
    moved.margin_match_weight,
    moved.second_dwelling_id,
    moved.match_key,
    moved.elsewhere
FROM moved_judged AS moved
INNER JOIN nhs_member ON nhs_member.unit_id = moved.nhs_id
INNER JOIN moved_dwelling_unit ON moved_dwelling_unit.unit_id = moved.dwelling_id
WHERE moved.reason = 'linked'
  AND (
      nhs_member.dwelling_id IS NULL
      OR (nhs_member.listed IN {unknown_levels} AND {known_there})
  )
