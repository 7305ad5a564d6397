-- One row per dwelling with listed people whom no linked NHS record there resembles: those people.
WITH listed AS (
    SELECT
        listed_person.*
    FROM listed_person
    SEMI JOIN moved_candidate AS candidate
        ON candidate.side = 'council' AND candidate.unit_id = listed_person.dwelling_id
),
found AS (
    SELECT DISTINCT listed.person_id
    FROM listed
    INNER JOIN judged ON judged.dwelling_id = listed.dwelling_id AND judged.reason = 'linked'
    INNER JOIN nhs_unit ON nhs_unit.unit_id = judged.nhs_id
    WHERE {found}
),
gathered AS (
    SELECT
        listed.dwelling_id AS unit_id,
        {person_lists},
        -- A listed person with a birth date is judged by it; the name alone serves only without one.
        list(DISTINCT listed.person_name[1])
            FILTER (listed.person_name IS NOT NULL AND listed.person_name_birth_part IS NULL) AS undated_name
    FROM listed
    ANTI JOIN found ON found.person_id = listed.person_id
    GROUP BY listed.dwelling_id
)
SELECT
    *,
    CASE WHEN len(undated_name) BETWEEN 2 AND {most_names} THEN {name_pairs} END AS name_pair
FROM gathered
ORDER BY unit_id
