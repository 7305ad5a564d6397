-- One row per unit of either side that holds a token which a move could be told by and the other side
-- holds too: the few units among all that are worth gathering. side: "nhs" or "council".
CREATE TABLE moved_candidate AS
WITH unknown AS (
    SELECT
        nhs_member.unit_id,
        nhs_member.person_name[1] AS name,
        {birth_tokens}
    FROM nhs_member
    INNER JOIN member ON member.member_id = nhs_member.member_id
    WHERE member.listed IS NULL
       OR member.listed IN {unknown_levels}
),
undated AS (
    SELECT
        dwelling_id,
        person_name[1] AS name
    FROM listed_person
    WHERE person_name_birth_part IS NULL
      AND person_name IS NOT NULL
),
-- A pair of names that both sides hold is of two names that both sides hold.
nhs_names AS (
    SELECT
        unit_id,
        list(DISTINCT name) AS names
    FROM unknown
    SEMI JOIN undated ON undated.name = unknown.name
    GROUP BY unit_id
    HAVING COUNT(*) BETWEEN 2 AND {most_names}
),
listed_names AS (
    SELECT
        dwelling_id,
        list(DISTINCT name) AS names
    FROM undated
    SEMI JOIN unknown ON unknown.name = undated.name
    GROUP BY dwelling_id
    HAVING COUNT(*) BETWEEN 2 AND {most_names}
),
nhs_token AS (
    {nhs_tokens}
    UNION ALL
    SELECT unit_id, UNNEST({name_pairs}) AS token FROM nhs_names
),
listed_token AS (
    {listed_tokens}
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
