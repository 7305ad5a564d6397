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
),
judged AS (
    SELECT
        address_to_match.address_id,
        address_to_match.address,
        address_to_match.postcode,
        found.listed_id,
        split_part(found.match_reason, ':', 1) AS match_reason,
        found.match_weight,
        found.distinguishability,
        CASE
            WHEN found.listed_id IS NULL THEN 'NO_CANDIDATE'
            -- A match by an exact rule has no weight, and an only candidate has no distinguishability.
            WHEN found.match_weight < $minimum_match_weight THEN 'BELOW_THRESHOLD'
            WHEN found.distinguishability < $minimum_distinguishability THEN 'AMBIGUOUS'
            WHEN undistinguished.listed_id IS NOT NULL THEN 'AMBIGUOUS'
            WHEN second_check.is_contradicted THEN 'CONTRADICTED'
        END AS reason,
        second_check.found_listed_id
    FROM address_to_match
    JOIN second_check
        ON second_check.address_id = address_to_match.address_id
    LEFT JOIN found
        ON found.address_id = address_to_match.address_id
    LEFT JOIN undistinguished
        ON undistinguished.listed_id = found.listed_id
),
decided AS (
    SELECT
        judged.*,
        reason IS NOT NULL
        AND found_listed_id IS NOT NULL
        AND undistinguished.listed_id IS NULL AS is_found_by_parts
    FROM judged
    LEFT JOIN undistinguished
        ON undistinguished.listed_id = judged.found_listed_id
)
SELECT
    decided.address,
    decided.postcode,
    candidate.uprn,
    CASE WHEN is_found_by_parts THEN 'same_parts' ELSE match_reason END AS match_reason,
    -- The matcher's scores are those of its own candidate.
    CASE WHEN NOT is_found_by_parts THEN match_weight END AS match_weight,
    CASE WHEN NOT is_found_by_parts THEN distinguishability END AS distinguishability,
    CASE WHEN NOT is_found_by_parts THEN reason END AS reason
FROM decided
LEFT JOIN candidate
    ON candidate.listed_id = CASE WHEN is_found_by_parts THEN found_listed_id ELSE decided.listed_id END
