-- One row per unit of either side that holds a token which a move could be told by and the other side
-- holds too: the few units among all that are worth gathering. side: "nhs" or "council".
CREATE TABLE moved_candidate AS
WITH unknown AS (
    SELECT
        nhs_member.unit_id,
        nhs_member.person_name[1] AS name,
        {birth_tokens} AS tokens
    FROM nhs_member
    INNER JOIN member ON member.member_id = nhs_member.member_id
    WHERE member.listed IS NULL
       OR member.listed IN {unknown_levels}
),
listed AS (
    SELECT
        dwelling_id,
        CASE WHEN person_name_birth_part IS NULL THEN person_name[1] END AS name,
        {birth_tokens} AS tokens
    FROM listed_person
),
nhs_names AS (
    SELECT
        unit_id,
        list(DISTINCT name) AS names
    FROM unknown
    WHERE name IS NOT NULL
    GROUP BY unit_id
    HAVING COUNT(*) BETWEEN 2 AND {most_names}
),
listed_names AS (
    SELECT
        dwelling_id,
        list(DISTINCT name) AS names
    FROM listed
    WHERE name IS NOT NULL
    GROUP BY dwelling_id
    HAVING COUNT(*) BETWEEN 2 AND {most_names}
),
nhs_token AS (
    SELECT unit_id, UNNEST(tokens) AS token FROM unknown
    UNION ALL
    SELECT unit_id, UNNEST({name_pairs}) AS token FROM nhs_names
),
listed_token AS (
    SELECT dwelling_id, UNNEST(tokens) AS token FROM listed
    UNION ALL
    SELECT dwelling_id, UNNEST({name_pairs}) AS token FROM listed_names
),
shared AS MATERIALIZED (
    SELECT DISTINCT
        listed_token.dwelling_id,
        listed_token.token
    FROM listed_token
    SEMI JOIN nhs_token ON nhs_token.token = listed_token.token
)
SELECT DISTINCT
    'council' AS side,
    dwelling_id AS unit_id
FROM shared
UNION ALL
SELECT DISTINCT
    'nhs' AS side,
    nhs_token.unit_id
FROM nhs_token
SEMI JOIN shared ON shared.token = nhs_token.token
