-- One row per unit that may take part in a move: it has a token by which a move is found, and a unit of the
-- other controller has the same token. Only these few units are built in full. controller: "nhs" or
-- "council".
CREATE TABLE unit_with_shared_token AS
WITH unlisted_member AS (
    SELECT
        unit_id,
        person_name[1] AS name,
        {birth_tokens}
    FROM nhs_member
    WHERE list_agreement IS NULL
       OR list_agreement IN {unlisted_levels}
),
-- Listed people without a birth date, who are found by name.
undated_person AS (
    SELECT
        dwelling_id,
        person_name[1] AS name
    FROM listed_person
    WHERE person_name_birth_part IS NULL
      AND person_name IS NOT NULL
),
-- Two names that a group and a dwelling have in common are each found in both tables, so other names are
-- dropped before they are paired.
nhs_name AS MATERIALIZED (
    SELECT
        unit_id,
        name
    FROM unlisted_member
    SEMI JOIN undated_person ON undated_person.name = unlisted_member.name
    QUALIFY COUNT(*) OVER (PARTITION BY unit_id) BETWEEN 2 AND {maximum_names}
),
listed_name AS MATERIALIZED (
    SELECT
        dwelling_id,
        name
    FROM undated_person
    SEMI JOIN unlisted_member ON unlisted_member.name = undated_person.name
    QUALIFY COUNT(*) OVER (PARTITION BY dwelling_id) BETWEEN 2 AND {maximum_names}
),
nhs_token AS (
    {nhs_tokens}
    UNION ALL
    SELECT
        one.unit_id,
        hash(one.name, other.name) AS token
    FROM nhs_name AS one
    INNER JOIN nhs_name AS other ON other.unit_id = one.unit_id AND other.name > one.name
    UNION ALL
    SELECT
        unlisted_member.unit_id,
        unlisted_member.name AS token
    FROM unlisted_member
    SEMI JOIN unique_name ON unique_name.name = unlisted_member.name
),
listed_token AS (
    {listed_tokens}
    UNION ALL
    SELECT
        one.dwelling_id,
        hash(one.name, other.name) AS token
    FROM listed_name AS one
    INNER JOIN listed_name AS other ON other.dwelling_id = one.dwelling_id AND other.name > one.name
    UNION ALL
    SELECT
        undated_person.dwelling_id,
        undated_person.name AS token
    FROM undated_person
    SEMI JOIN unique_name ON unique_name.name = undated_person.name
),
shared AS MATERIALIZED (
    SELECT DISTINCT
        listed_token.dwelling_id,
        listed_token.token
    FROM listed_token
    SEMI JOIN nhs_token ON nhs_token.token = listed_token.token
)
SELECT DISTINCT
    'council' AS controller,
    dwelling_id AS unit_id
FROM shared
UNION ALL
SELECT DISTINCT
    'nhs' AS controller,
    nhs_token.unit_id
FROM nhs_token
SEMI JOIN shared ON shared.token = nhs_token.token
