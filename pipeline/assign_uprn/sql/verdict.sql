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
)
SELECT
    address_to_match.address,
    address_to_match.postcode,
    candidate.uprn,
    split_part(found.match_reason, ':', 1) AS match_reason,
    found.match_weight,
    found.distinguishability,
    CASE
        WHEN candidate.uprn IS NULL THEN 'NO_CANDIDATE'
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
LEFT JOIN undistinguished
    ON undistinguished.listed_id = found.listed_id
