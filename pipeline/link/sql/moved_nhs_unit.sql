-- One row per NHS unit with members who are not listed at its dwelling, or that has no dwelling: the tokens
-- of those members.
WITH unlisted_member AS (
    SELECT
        nhs_member.*
    FROM nhs_member
    SEMI JOIN unit_with_shared_token AS candidate
        ON candidate.controller = 'nhs' AND candidate.unit_id = nhs_member.unit_id
    WHERE nhs_member.list_agreement IS NULL
       OR nhs_member.list_agreement IN {unlisted_levels}
),
unit AS (
    SELECT
        unlisted_member.unit_id,
        {person_lists},
        list(DISTINCT unlisted_member.person_name[1]) FILTER (unlisted_member.person_name IS NOT NULL)
            AS undated_name
    FROM unlisted_member
    GROUP BY unlisted_member.unit_id
)
SELECT
    *,
    CASE WHEN len(undated_name) BETWEEN 2 AND {maximum_names} THEN {name_pairs} END AS name_pair
FROM unit
ORDER BY unit_id
