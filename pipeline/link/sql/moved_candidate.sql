-- One row per unit of either side that holds a token which a move could be told by and the other side
-- holds too: the few units among all that are worth gathering. side: "nhs" or "council".
CREATE TABLE moved_candidate AS
WITH unknown AS (
    SELECT
        unit_id,
        person_name[1] AS name,
        {birth_tokens}
    FROM nhs_member
    WHERE listed IS NULL
       OR listed IN {unknown_levels}
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
nhs_name AS MATERIALIZED (
    SELECT
        unit_id,
        name
    FROM unknown
    SEMI JOIN undated ON undated.name = unknown.name
    QUALIFY COUNT(*) OVER (PARTITION BY unit_id) BETWEEN 2 AND {most_names}
),
listed_name AS MATERIALIZED (
    SELECT
        dwelling_id,
        name
    FROM undated
    SEMI JOIN unknown ON unknown.name = undated.name
    QUALIFY COUNT(*) OVER (PARTITION BY dwelling_id) BETWEEN 2 AND {most_names}
),
nhs_token AS (
    {nhs_tokens}
    UNION ALL
    SELECT
        one.unit_id,
        hash(one.name, other.name) AS token
    FROM nhs_name AS one
    INNER JOIN nhs_name AS other ON other.unit_id = one.unit_id AND other.name > one.name
),
listed_token AS (
    {listed_tokens}
    UNION ALL
    SELECT
        one.dwelling_id,
        hash(one.name, other.name) AS token
    FROM listed_name AS one
    INNER JOIN listed_name AS other ON other.dwelling_id = one.dwelling_id AND other.name > one.name
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
