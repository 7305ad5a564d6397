-- One row per dwelling with listed people whom no linked NHS record there resembles: those people.
WITH listed AS (
    SELECT
        listed_person.*
    FROM listed_person
    SEMI JOIN moved_candidate AS candidate
        ON candidate.side = 'council' AND candidate.unit_id = listed_person.dwelling_id
),
name_count AS (
    SELECT
        person_name[1] AS name,
        COUNT(*) AS bearers
    FROM listed_person
    SEMI JOIN listed ON listed.person_name[1] = listed_person.person_name[1]
    GROUP BY person_name[1]
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
            FILTER (listed.person_name IS NOT NULL AND listed.person_name_birth_part IS NULL) AS undated_name,
        list(DISTINCT listed.person_name[1])
            FILTER (name_count.bearers = 1 AND listed.person_name_birth_part IS NULL) AS rare_name
    FROM listed
    LEFT JOIN name_count ON name_count.name = listed.person_name[1]
    ANTI JOIN found ON found.person_id = listed.person_id
    GROUP BY listed.dwelling_id
)
SELECT
    *,
    CASE WHEN len(undated_name) BETWEEN 2 AND {most_names} THEN {name_pairs} END AS name_pair
FROM gathered
ORDER BY unit_id
