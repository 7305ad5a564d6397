-- One row per record of the extract: the UPRN supplied, the UPRN found, and the outcome.
CREATE TABLE outcome AS
WITH judged AS (
    SELECT
        extract_row.line_number,
        extract_row.record_id,
        CASE
            WHEN extract_row.uprn IS NULL THEN 'missing'
            WHEN uprn_reason(extract_row.uprn) IS NULL THEN 'supplied'
            ELSE 'unusable'
        END AS state,
        CASE
            WHEN uprn_reason(extract_row.uprn) IS NULL THEN uprn_canonical(extract_row.uprn)
        END AS supplied_uprn,
        verdict.uprn AS candidate_uprn,
        verdict.match_reason,
        verdict.match_weight,
        verdict.distinguishability,
        CASE
            WHEN extract_row.address IS NULL THEN 'NO_ADDRESS'
            WHEN verdict.address IS NULL THEN 'NOT_LOOKED_UP'
            ELSE verdict.reason
        END AS reason
    FROM extract_row
    LEFT JOIN verdict
        ON verdict.address = extract_row.address
       AND verdict.postcode IS NOT DISTINCT FROM extract_row.postcode
)
SELECT
    line_number,
    record_id,
    state,
    CASE
        WHEN state = 'supplied' AND reason = 'NOT_LOOKED_UP' THEN 'not_compared'
        WHEN state = 'supplied' AND reason IS NOT NULL THEN 'not_confirmed'
        WHEN state = 'supplied' AND candidate_uprn = supplied_uprn THEN 'agrees'
        WHEN state = 'supplied' AND list_contains($overwrites, 'supplied') THEN 'replaced'
        WHEN state = 'supplied' THEN 'differs'
        WHEN state = 'unusable' AND NOT list_contains($overwrites, 'unusable') THEN 'left_unusable'
        WHEN reason IS NOT NULL THEN 'not_assigned'
        ELSE 'assigned'
    END AS outcome,
    reason,
    supplied_uprn,
    candidate_uprn,
    match_reason,
    match_weight,
    distinguishability
FROM judged
ORDER BY line_number
