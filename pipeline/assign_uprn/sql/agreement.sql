-- Whether two addresses agree by their parts, and whether they contradict each other.
CREATE MACRO is_similar(one, other) AS
    one = other
    OR (
        least(length(one), length(other)) >= 5
        AND (jaro_winkler_similarity(one, other) >= 0.9 OR damerau_levenshtein(one, other) <= 1)
    );
-- One row per address of the list, with its parts.
CREATE TABLE listed_part AS
SELECT
    listed.listed_id,
    part.unit,
    part.premises,
    part.building,
    part.street,
    part.code,
    part.words,
    -- A list that knows one dwelling at a number knows no flats there.
    COUNT(DISTINCT listed.listed_id) OVER (PARTITION BY part.code, part.street, part.premises) = 1
    AND part.premises IS NOT NULL AS is_only_dwelling
FROM listed
JOIN part
    ON part.address = listed.address
   AND part.postcode IS NOT DISTINCT FROM listed.postcode;
-- One row per address to look up, with its parts.
CREATE TABLE recorded_part AS
SELECT
    address_to_match.address_id,
    part.* EXCLUDE (address, postcode)
FROM address_to_match
JOIN part
    ON part.address = address_to_match.address
   AND part.postcode IS NOT DISTINCT FROM address_to_match.postcode;
-- Addresses whose best candidate contradicts them in a part. An exact rule found the same words, so it cannot.
CREATE TABLE contradicted AS
SELECT found.address_id
FROM found
JOIN recorded_part AS recorded
    ON recorded.address_id = found.address_id
JOIN listed_part AS listed
    ON listed.listed_id = found.listed_id
WHERE NOT starts_with(found.match_reason, 'exact')
GROUP BY found.address_id
HAVING bool_and(COALESCE(
    -- unit: the record names one, and the list another or none
    (
        recorded.unit IS NOT NULL
        AND recorded.unit IS DISTINCT FROM listed.unit
        AND NOT (
            listed.unit IS NULL
            AND starts_with(recorded.unit, 'FLOOR')
            AND recorded.premises IS NOT DISTINCT FROM listed.premises
            AND listed.is_only_dwelling
        )
    )
    OR recorded.premises <> listed.premises
    -- building: decides only where a number is missing
    OR (
        NOT is_similar(recorded.building, listed.building)
        AND NOT starts_with(recorded.building, listed.building)
        AND NOT starts_with(listed.building, recorded.building)
        AND (recorded.premises IS NULL OR listed.premises IS NULL)
    )
    -- street: another one, and no word in common
    OR (
        recorded.unit IS NULL
        AND NOT is_similar(recorded.street, listed.street)
        AND NOT COALESCE(is_similar(recorded.street, listed.building), false)
        AND NOT COALESCE(is_similar(recorded.building, listed.street), false)
        AND NOT list_has_any(
            recorded.words,
            list_filter(listed.words, lambda word: contains(listed.street, word))
        )
    ),
    false
));
-- UPRNs to which the list gives addresses of different dwellings. No one can say which of them is right.
CREATE TABLE disputed AS
SELECT DISTINCT one.listed_id
FROM listed_part AS one
JOIN listed_part AS other
    ON other.listed_id = one.listed_id
WHERE one.premises <> other.premises
   OR one.unit <> other.unit
   OR (one.code <> other.code AND NOT is_similar(one.street, other.street));
-- Addresses with exactly one dwelling of the list that has the same parts.
CREATE TABLE same_parts AS
WITH pair AS (
    SELECT
        recorded.address_id,
        listed.listed_id
    FROM recorded_part AS recorded
    JOIN listed_part AS listed
        ON listed.code = recorded.code
    WHERE (
        recorded.unit IS NOT DISTINCT FROM listed.unit
        OR (listed.unit IS NULL AND starts_with(recorded.unit, 'FLOOR') AND listed.is_only_dwelling)
    )
      AND (
          (
              recorded.premises = listed.premises
              AND (
                  recorded.street IS NULL
                  OR listed.street IS NULL
                  OR is_similar(recorded.street, listed.street)
                  OR recorded.building = listed.building
              )
          )
          OR (
              recorded.building = listed.building
              AND (recorded.premises IS NULL OR listed.premises IS NULL)
          )
      )
    UNION
    -- an address of the list without a postcode
    SELECT
        recorded.address_id,
        listed.listed_id
    FROM recorded_part AS recorded
    JOIN listed_part AS listed
        ON listed.code IS NULL
       AND listed.street = recorded.street
       AND listed.premises = recorded.premises
       AND listed.unit IS NOT DISTINCT FROM recorded.unit
)
SELECT
    address_id,
    MIN(listed_id) AS listed_id
FROM pair
GROUP BY address_id
HAVING COUNT(DISTINCT listed_id) = 1
   AND NOT bool_or(listed_id IN (SELECT listed_id FROM disputed))
