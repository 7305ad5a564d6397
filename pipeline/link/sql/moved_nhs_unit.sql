-- One row per NHS unit with members that its dwelling's list does not know (or no dwelling): those members.
WITH unknown AS (
    SELECT
        nhs_member.*
    FROM nhs_member
    SEMI JOIN moved_candidate AS candidate
        ON candidate.side = 'nhs' AND candidate.unit_id = nhs_member.unit_id
    WHERE nhs_member.listed IS NULL
       OR nhs_member.listed IN {unknown_levels}
),
gathered AS (
    SELECT
        unknown.unit_id,
        {person_lists},
        list(DISTINCT unknown.person_name[1]) FILTER (unknown.person_name IS NOT NULL) AS undated_name
    FROM unknown
    GROUP BY unknown.unit_id
)
SELECT
    *,
    CASE WHEN len(undated_name) BETWEEN 2 AND {most_names} THEN {name_pairs} END AS name_pair
FROM gathered
ORDER BY unit_id
