-- One row per NHS unit with members who are not listed at its dwelling, or that has no dwelling: the tokens
-- of those members, and what the recorded address shows of them (see `moves.comparison`).
WITH unlisted_member AS (
    SELECT
        nhs_member.*
    FROM nhs_member
    SEMI JOIN unit_with_shared_token AS candidate
        ON candidate.controller = 'nhs' AND candidate.unit_id = nhs_member.unit_id
    WHERE nhs_member.list_agreement IS NULL
       OR nhs_member.list_agreement IN {unlisted_levels}
),
-- Dwellings at which some group has listed members.
occupied AS (
    SELECT DISTINCT dwelling_id
    FROM nhs_member
    WHERE unit_has_listed_member
      AND dwelling_id IS NOT NULL
),
unit AS (
    SELECT
        unlisted_member.unit_id,
        {person_lists},
        list(DISTINCT unlisted_member.person_name[1]) FILTER (unlisted_member.person_name IS NOT NULL)
            AS undated_name,
        list(DISTINCT unlisted_member.person_name[1])
            FILTER (unique_name.name IS NOT NULL AND {may_be_adult})
            AS unique_name,
        CASE
            WHEN BOOL_AND(unlisted_member.dwelling_id IS NULL) THEN 'no_dwelling'
            WHEN BOOL_OR(unlisted_member.list_agreement = 'surname') THEN 'family'
            WHEN BOOL_OR(unlisted_member.unit_has_listed_member) THEN 'apart'
            WHEN BOOL_OR(occupied.dwelling_id IS NOT NULL) THEN 'replaced'
            WHEN BOOL_OR(unlisted_member.list_agreement = 'no_list') THEN 'no_list'
            ELSE 'unlisted'
        END AS origin,
        NULL::VARCHAR AS destination
    FROM unlisted_member
    LEFT JOIN unique_name ON unique_name.name = unlisted_member.person_name[1]
    LEFT JOIN occupied ON occupied.dwelling_id = unlisted_member.dwelling_id
    GROUP BY unlisted_member.unit_id
)
SELECT
    *,
    CASE WHEN len(undated_name) BETWEEN 2 AND {maximum_names} THEN {name_pairs} END AS name_pair
FROM unit
ORDER BY unit_id
