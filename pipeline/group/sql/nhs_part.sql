-- One row per NHS record of a mixed address group: the part of the group that it belongs to, and a key of
-- group and part. Suppliers group by UPRN, and a wrong UPRN merges neighbours. So a group whose members
-- record different dwellings is split into parts that have no short address (number and postcode, or
-- number and street) in common.
WITH keyed AS (
    SELECT
        member_id,
        group_hash,
        address_exact,
        COALESCE(address_unit_postcode, []) || COALESCE(address_unit_street, []) AS short_addresses
    FROM nhs_record
),
mixed_group AS (
    SELECT group_hash
    FROM keyed
    GROUP BY group_hash
    HAVING MIN(address_exact) < MAX(address_exact)
),
-- One row per group, full address and short address.
short_form AS (
    SELECT DISTINCT
        keyed.group_hash,
        keyed.address_exact,
        UNNEST(keyed.short_addresses) AS short_address
    FROM keyed
    INNER JOIN mixed_group ON mixed_group.group_hash = keyed.group_hash
    WHERE keyed.address_exact IS NOT NULL
),
-- Full addresses with a short address in common take the smallest of their tokens as the name of the part.
-- Two rounds are enough for the chains that occur (number and street, flat and building, both).
first_round AS (
    SELECT
        short_form.group_hash,
        short_form.address_exact,
        MIN(shared.part) AS part
    FROM short_form
    INNER JOIN (
        SELECT group_hash, short_address, MIN(address_exact) AS part
        FROM short_form
        GROUP BY group_hash, short_address
    ) AS shared
        ON shared.group_hash = short_form.group_hash
        AND shared.short_address = short_form.short_address
    GROUP BY short_form.group_hash, short_form.address_exact
),
second_round AS (
    SELECT
        short_form.group_hash,
        short_form.address_exact,
        MIN(shared.part) AS part
    FROM short_form
    INNER JOIN (
        SELECT short_form.group_hash, short_form.short_address, MIN(first_round.part) AS part
        FROM short_form
        INNER JOIN first_round
            ON first_round.group_hash = short_form.group_hash
            AND first_round.address_exact = short_form.address_exact
        GROUP BY short_form.group_hash, short_form.short_address
    ) AS shared
        ON shared.group_hash = short_form.group_hash
        AND shared.short_address = short_form.short_address
    GROUP BY short_form.group_hash, short_form.address_exact
),
member_part AS (
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
-- Members without a usable address go to the largest part, unless two parts are equally large.
largest_part AS (
    SELECT
        group_hash,
        MIN(part) AS part
    FROM (
        SELECT
            group_hash,
            part
        FROM member_part
        WHERE part IS NOT NULL
        GROUP BY group_hash, part
        QUALIFY RANK() OVER (PARTITION BY group_hash ORDER BY COUNT(*) DESC) = 1
    )
    GROUP BY group_hash
    HAVING COUNT(*) = 1
)
SELECT
    member_part.member_id,
    COALESCE(CAST(COALESCE(member_part.part, largest_part.part) AS VARCHAR), '') AS part,
    CASE
        WHEN COALESCE(member_part.part, largest_part.part) IS NULL THEN member_part.group_hash
        ELSE hash(member_part.group_hash, COALESCE(member_part.part, largest_part.part))
    END AS unit_key
FROM member_part
LEFT JOIN largest_part ON largest_part.group_hash = member_part.group_hash
