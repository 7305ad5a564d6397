-- One row per dwelling without a linked NHS record, and the reason: of its candidates, the one with the
-- highest match weight decides.
WITH unlinked AS (
    SELECT dwelling_unit.unit_id
    FROM dwelling_unit
    ANTI JOIN outcome ON outcome.dwelling_id = dwelling_unit.unit_id
),
closest AS (
    SELECT
        recorded_pair.dwelling_id,
        MAX_BY(recorded_match.reason, (recorded_pair.match_weight, recorded_match.reason)) AS group_reason,
        BOOL_OR(recorded_match.dwelling_id = recorded_pair.dwelling_id) AS was_best
    FROM recorded_pair
    SEMI JOIN unlinked ON unlinked.unit_id = recorded_pair.dwelling_id
    INNER JOIN recorded_match ON recorded_match.nhs_id = recorded_pair.nhs_id
    GROUP BY recorded_pair.dwelling_id
)
SELECT
    unlinked.unit_id AS dwelling_record_pseudonym,
    CASE
        WHEN closest.dwelling_id IS NULL THEN 'no_candidate'
        WHEN NOT closest.was_best THEN 'candidates_linked_elsewhere'
        WHEN closest.group_reason = 'linked' THEN 'below_threshold'
        ELSE closest.group_reason
    END AS reason
FROM unlinked
LEFT JOIN closest ON closest.dwelling_id = unlinked.unit_id
ORDER BY unlinked.unit_id
