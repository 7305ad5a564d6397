-- One row per record whose address was found in the list: the UPRN supplied, the UPRN found, and how.
CREATE TABLE evidence AS
SELECT
    line_number,
    record_id,
    outcome,
    supplied_uprn,
    candidate_uprn AS uprn,
    match_reason,
    round(match_weight, 3) AS match_weight,
    round(distinguishability, 3) AS distinguishability,
    $source AS source
FROM outcome
WHERE reason IS NULL
