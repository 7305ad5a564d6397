-- One row per dwelling with listed people who are no member of a group linked to it: the tokens of those
-- people, and which patients are registered there (see `moves.comparison`).
WITH listed AS (
    SELECT
        listed_person.*
    FROM listed_person
    SEMI JOIN unit_with_shared_token AS candidate
        ON candidate.controller = 'council' AND candidate.unit_id = listed_person.dwelling_id
),
-- People with the same name and different birth dates are not one person: they may be father and son.
matched AS (
    SELECT DISTINCT listed.person_id
    FROM listed
    INNER JOIN nhs_member ON nhs_member.dwelling_id = listed.dwelling_id
    WHERE {matched_by_birth}
       OR (
           (listed.person_name_birth_part IS NULL OR nhs_member.person_name_birth_part IS NULL)
           AND ({matched_by_name})
       )
),
registered AS (
    SELECT
        nhs_member.dwelling_id,
        BOOL_OR(nhs_member.list_agreement IN {listed_levels}) AS has_listed
    FROM nhs_member
    SEMI JOIN listed ON listed.dwelling_id = nhs_member.dwelling_id
    GROUP BY nhs_member.dwelling_id
),
unit AS (
    SELECT
        listed.dwelling_id AS unit_id,
        {person_lists},
        -- A listed person with a birth date is compared by it, a person without one by name only.
        list(DISTINCT listed.person_name[1])
            FILTER (listed.person_name IS NOT NULL AND listed.person_name_birth_part IS NULL) AS undated_name,
        list(DISTINCT listed.person_name[1])
            FILTER (
                unique_name.name IS NOT NULL
                AND listed.is_adult
                AND listed.person_name_birth_part IS NULL
            ) AS unique_name,
        NULL::VARCHAR AS origin,
        CASE
            WHEN BOOL_OR(dwelling_unit.is_empty) THEN 'empty'
            WHEN BOOL_OR(registered.has_listed) THEN 'listed'
            WHEN ANY_VALUE(registered.dwelling_id) IS NOT NULL THEN 'strangers'
            WHEN BOOL_OR(dwelling_unit.is_payer_only) THEN 'no_patient_payer'
            ELSE 'no_patient'
        END AS destination
    FROM listed
    ANTI JOIN matched ON matched.person_id = listed.person_id
    LEFT JOIN unique_name ON unique_name.name = listed.person_name[1]
    INNER JOIN dwelling_unit ON dwelling_unit.unit_id = listed.dwelling_id
    LEFT JOIN registered ON registered.dwelling_id = listed.dwelling_id
    GROUP BY listed.dwelling_id
)
SELECT
    *,
    CASE WHEN len(undated_name) BETWEEN 2 AND {maximum_names} THEN {name_pairs} END AS name_pair
FROM unit
ORDER BY unit_id
