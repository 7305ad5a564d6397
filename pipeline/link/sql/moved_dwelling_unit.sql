-- One row per dwelling with listed people who match no member of a group linked to it: the tokens of those
-- people.
WITH listed AS (
    SELECT
        listed_person.*
    FROM listed_person
    SEMI JOIN unit_with_shared_token AS candidate
        ON candidate.controller = 'council' AND candidate.unit_id = listed_person.dwelling_id
),
matched AS (
    SELECT DISTINCT listed.person_id
    FROM listed
    INNER JOIN recorded_match
        ON recorded_match.dwelling_id = listed.dwelling_id AND recorded_match.reason = 'linked'
    INNER JOIN nhs_unit ON nhs_unit.unit_id = recorded_match.nhs_id
    WHERE {matched}
),
unit AS (
    SELECT
        listed.dwelling_id AS unit_id,
        {person_lists},
        -- A listed person with a birth date is compared by it, a person without one by name only.
        list(DISTINCT listed.person_name[1])
            FILTER (listed.person_name IS NOT NULL AND listed.person_name_birth_part IS NULL) AS undated_name
    FROM listed
    ANTI JOIN matched ON matched.person_id = listed.person_id
    GROUP BY listed.dwelling_id
)
SELECT
    *,
    CASE WHEN len(undated_name) BETWEEN 2 AND {maximum_names} THEN {name_pairs} END AS name_pair
FROM unit
ORDER BY unit_id
