-- One row per NHS record: its address group, and the unit of that group it belongs to.
-- Suppliers group by UPRN, and a wrong UPRN merges neighbours: a group whose members record
-- different dwellings is split into parts that share no way to name the dwelling.
CREATE TABLE nhs_member AS
WITH keyed AS (
    SELECT
        record_pseudonym,
        COALESCE(
            'supplied ' || address_group_pseudonym,
            'uprn ' || uprn_pseudonym,
            'address ' || address_exact,
            'street ' || CAST(address_unit_street[1] AS VARCHAR),
            'record ' || record_pseudonym
        ) AS group_key,
        address_exact,
        COALESCE(address_unit_postcode, []) || COALESCE(address_unit_street, []) AS ways
    FROM nhs_resident
),
mixed_group AS (
    SELECT group_key
    FROM keyed
    GROUP BY group_key
    HAVING COUNT(DISTINCT address_exact) > 1
),
-- One row per recorded address of a mixed group.
recorded AS (
    SELECT
        keyed.group_key,
        keyed.address_exact,
        ANY_VALUE(keyed.ways) AS ways
    FROM keyed
    INNER JOIN mixed_group ON mixed_group.group_key = keyed.group_key
    WHERE keyed.address_exact IS NOT NULL
    GROUP BY
        keyed.group_key,
        keyed.address_exact
),
way AS (
    SELECT
        group_key,
        address_exact,
        UNNEST(ways) AS way
    FROM recorded
),
-- Addresses that share a way to name the dwelling take the smallest name among them; twice is
-- enough for the chains that occur (number and street, flat and building, both).
first_round AS (
    SELECT
        way.group_key,
        way.address_exact,
        MIN(shared.part) AS part
    FROM way
    INNER JOIN (
        SELECT group_key, way, MIN(address_exact) AS part
        FROM way
        GROUP BY group_key, way
    ) AS shared ON shared.group_key = way.group_key AND shared.way = way.way
    GROUP BY way.group_key, way.address_exact
),
second_round AS (
    SELECT
        way.group_key,
        way.address_exact,
        MIN(shared.part) AS part
    FROM way
    INNER JOIN (
        SELECT way.group_key, way.way, MIN(first_round.part) AS part
        FROM way
        INNER JOIN first_round
            ON first_round.group_key = way.group_key AND first_round.address_exact = way.address_exact
        GROUP BY way.group_key, way.way
    ) AS shared ON shared.group_key = way.group_key AND shared.way = way.way
    GROUP BY way.group_key, way.address_exact
),
parted AS (
    SELECT
        keyed.record_pseudonym,
        keyed.group_key,
        second_round.part
    FROM keyed
    LEFT JOIN second_round
        ON second_round.group_key = keyed.group_key
        AND second_round.address_exact = keyed.address_exact
),
-- Members without a usable address stay with the largest part.
largest_part AS (
    SELECT
        group_key,
        MODE(part ORDER BY part) AS part
    FROM parted
    WHERE part IS NOT NULL
    GROUP BY group_key
)
SELECT
    parted.record_pseudonym,
    parted.group_key,
    COALESCE(parted.part, largest_part.part, '') AS part,
    DENSE_RANK() OVER (
        ORDER BY parted.group_key, COALESCE(parted.part, largest_part.part, '')
    ) AS unit_id
FROM parted
LEFT JOIN largest_part ON largest_part.group_key = parted.group_key
