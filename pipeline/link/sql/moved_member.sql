-- One row per NHS record that is moved to the dwelling found for its unit: every record of a unit that had no
-- dwelling; otherwise a record that is not listed at the old dwelling and agrees with the people of the new
-- one.
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
FROM moved_match AS moved
INNER JOIN nhs_member ON nhs_member.unit_id = moved.nhs_id
INNER JOIN moved_dwelling_unit ON moved_dwelling_unit.unit_id = moved.dwelling_id
WHERE moved.reason = 'linked'
  AND (
      nhs_member.dwelling_id IS NULL
      OR (nhs_member.list_agreement IN {unlisted_levels} AND {is_listed_there})
  )
