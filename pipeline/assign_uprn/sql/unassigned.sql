-- One row per record that has no usable UPRN: the reason, and the scores of the best candidate.
CREATE TABLE unassigned AS
SELECT
    line_number,
    record_id,
    CASE WHEN outcome = 'left_unusable' THEN 'UNUSABLE_KEPT' ELSE reason END AS reason,
    match_reason,
    round(match_weight, 3) AS match_weight,
    round(distinguishability, 3) AS distinguishability
FROM outcome
WHERE outcome IN ('not_assigned', 'left_unusable')
