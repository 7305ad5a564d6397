-- One row per dwelling without a linked NHS address group: the nearest it came to one.
WITH unlinked AS (
    SELECT dwelling_unit.unit_id
    FROM dwelling_unit
    ANTI JOIN outcome ON outcome.dwelling_id = dwelling_unit.unit_id
),
nearest AS (
    SELECT
        pair.dwelling_id,
        MAX_BY(judged.reason, (pair.match_weight, judged.reason)) AS group_reason,
        BOOL_OR(judged.dwelling_id = pair.dwelling_id) AS was_best
    FROM pair
    SEMI JOIN unlinked ON unlinked.unit_id = pair.dwelling_id
    INNER JOIN judged ON judged.nhs_id = pair.nhs_id
    GROUP BY pair.dwelling_id
)
SELECT
    unlinked.unit_id AS dwelling_record_pseudonym,
    CASE
        WHEN nearest.dwelling_id IS NULL THEN 'no_candidate'
        WHEN NOT nearest.was_best THEN 'candidates_linked_elsewhere'
        WHEN nearest.group_reason = 'linked' THEN 'below_threshold'
        ELSE nearest.group_reason
    END AS reason
FROM unlinked
LEFT JOIN nearest ON nearest.dwelling_id = unlinked.unit_id
ORDER BY unlinked.unit_id
