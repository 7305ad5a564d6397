-- One row per address that was looked up: the best candidate, its scores, and the reason if it is not accepted.
CREATE TABLE verdict AS
WITH candidate AS (
    SELECT DISTINCT
        listed_id,
        uprn
    FROM listed
),
undistinguished AS (
    SELECT DISTINCT alike.listed_id
    FROM listed AS alike
    JOIN listed AS other
        ON other.bare_address = alike.bare_address
       AND other.listed_id <> alike.listed_id
    UNION
    SELECT listed_id
    FROM disputed
),
by_matcher AS (
    SELECT
        address_to_match.address_id,
        address_to_match.address,
        address_to_match.postcode,
        candidate.uprn,
        split_part(found.match_reason, ':', 1) AS match_reason,
        found.match_weight,
        found.distinguishability,
        CASE
            WHEN candidate.uprn IS NULL THEN 'NO_CANDIDATE'
            WHEN contradicted.address_id IS NOT NULL THEN 'CONTRADICTED'
            -- A match by an exact rule has no weight, and an only candidate has no distinguishability.
            WHEN found.match_weight < $minimum_match_weight THEN 'BELOW_THRESHOLD'
            WHEN found.distinguishability < $minimum_distinguishability THEN 'AMBIGUOUS'
            WHEN undistinguished.listed_id IS NOT NULL THEN 'AMBIGUOUS'
        END AS reason
    FROM address_to_match
    LEFT JOIN found
        ON found.address_id = address_to_match.address_id
    LEFT JOIN candidate
        ON candidate.listed_id = found.listed_id
    LEFT JOIN contradicted
        ON contradicted.address_id = address_to_match.address_id
    LEFT JOIN undistinguished
        ON undistinguished.listed_id = found.listed_id
),
-- What the matcher left, and exactly one dwelling of the list has the same parts.
by_parts AS (
    SELECT
        by_matcher.address_id,
        candidate.uprn
    FROM by_matcher
    JOIN same_parts
        ON same_parts.address_id = by_matcher.address_id
    JOIN candidate
        ON candidate.listed_id = same_parts.listed_id
    WHERE by_matcher.reason IS NOT NULL
)
SELECT
    by_matcher.address,
    by_matcher.postcode,
    COALESCE(by_parts.uprn, by_matcher.uprn) AS uprn,
    CASE WHEN by_parts.uprn IS NULL THEN by_matcher.match_reason ELSE 'parts' END AS match_reason,
    CASE WHEN by_parts.uprn IS NULL THEN by_matcher.match_weight END AS match_weight,
    CASE WHEN by_parts.uprn IS NULL THEN by_matcher.distinguishability END AS distinguishability,
    CASE WHEN by_parts.uprn IS NULL THEN by_matcher.reason END AS reason
FROM by_matcher
LEFT JOIN by_parts
    ON by_parts.address_id = by_matcher.address_id
