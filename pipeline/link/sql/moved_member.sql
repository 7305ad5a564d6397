-- One row per NHS record that is moved to the dwelling found for its unit. A record moves if its person is not
-- listed at the old dwelling and agrees with the people of the new one, or if no one there agrees with it and
-- it shares the surname of a member who moves.
CREATE TABLE moved_member AS
WITH candidate AS (
    SELECT
        nhs_member.member_id,
        nhs_member.unit_id,
        nhs_member.person_surname_sector AS surname,
        COALESCE(nhs_member.list_agreement IN ('nobody', 'no_list'), TRUE) AS may_follow,
        {is_listed_there} AS is_listed_there,
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
      AND (nhs_member.list_agreement IS NULL OR nhs_member.list_agreement IN {unlisted_levels})
),
follower AS (
    SELECT DISTINCT candidate.member_id
    FROM candidate
    INNER JOIN candidate AS leader ON leader.unit_id = candidate.unit_id AND leader.is_listed_there
    WHERE candidate.may_follow
      AND {shares_surname}
)
SELECT
    candidate.member_id,
    candidate.unit_id,
    candidate.dwelling_id,
    candidate.match_weight,
    candidate.match_probability,
    candidate.margin_match_weight,
    candidate.second_dwelling_id,
    candidate.match_key,
    candidate.elsewhere
FROM candidate
LEFT JOIN follower ON follower.member_id = candidate.member_id
WHERE candidate.is_listed_there
   OR follower.member_id IS NOT NULL
