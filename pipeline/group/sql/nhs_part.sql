-- One row per NHS record of a mixed address group: the part that it is of, and the number of both.
-- Suppliers group by UPRN, and a wrong UPRN merges neighbours: a group whose members record
-- different dwellings is split into parts that share no way to name the dwelling.
WITH keyed AS (
    SELECT
        member_id,
        group_hash,
        part AS address_exact,
        COALESCE(address_unit_postcode, []) || COALESCE(address_unit_street, []) AS ways
    FROM nhs_record
),
mixed_group AS (
    SELECT group_hash
    FROM keyed
    GROUP BY group_hash
    HAVING MIN(address_exact) < MAX(address_exact)
),
-- One row per way in which a record of a mixed group names its dwelling.
way AS (
    SELECT DISTINCT
        keyed.group_hash,
        keyed.address_exact,
        UNNEST(keyed.ways) AS way
    FROM keyed
    INNER JOIN mixed_group ON mixed_group.group_hash = keyed.group_hash
    WHERE keyed.address_exact IS NOT NULL
),
-- Addresses that share a way to name the dwelling take the smallest name among them; twice is
-- enough for the chains that occur (number and street, flat and building, both).
first_round AS (
    SELECT
        way.group_hash,
        way.address_exact,
        MIN(shared.part) AS part
    FROM way
    INNER JOIN (
        SELECT group_hash, way, MIN(address_exact) AS part
        FROM way
        GROUP BY group_hash, way
    ) AS shared ON shared.group_hash = way.group_hash AND shared.way = way.way
    GROUP BY way.group_hash, way.address_exact
),
second_round AS (
    SELECT
        way.group_hash,
        way.address_exact,
        MIN(shared.part) AS part
    FROM way
    INNER JOIN (
        SELECT way.group_hash, way.way, MIN(first_round.part) AS part
        FROM way
        INNER JOIN first_round
            ON first_round.group_hash = way.group_hash AND first_round.address_exact = way.address_exact
        GROUP BY way.group_hash, way.way
    ) AS shared ON shared.group_hash = way.group_hash AND shared.way = way.way
    GROUP BY way.group_hash, way.address_exact
),
parted AS (
    SELECT
        keyed.member_id,
        keyed.group_hash,
        second_round.part
    FROM keyed
    INNER JOIN mixed_group ON mixed_group.group_hash = keyed.group_hash
    LEFT JOIN second_round
        ON second_round.group_hash = keyed.group_hash
        AND second_round.address_exact = keyed.address_exact
),
-- Members without a usable address stay with the largest part, if one is largest.
largest_part AS (
    SELECT
        group_hash,
        MIN(part) AS part
    FROM (
        SELECT
            group_hash,
            part
        FROM parted
        WHERE part IS NOT NULL
        GROUP BY group_hash, part
        QUALIFY RANK() OVER (PARTITION BY group_hash ORDER BY COUNT(*) DESC) = 1
    )
    GROUP BY group_hash
    HAVING COUNT(*) = 1
)
SELECT
    parted.member_id,
    COALESCE(CAST(COALESCE(parted.part, largest_part.part) AS VARCHAR), '') AS part,
    CASE
        WHEN COALESCE(parted.part, largest_part.part) IS NULL THEN parted.group_hash
        ELSE hash(parted.group_hash, COALESCE(parted.part, largest_part.part))
    END AS unit_key
FROM parted
LEFT JOIN largest_part ON largest_part.group_hash = parted.group_hash
