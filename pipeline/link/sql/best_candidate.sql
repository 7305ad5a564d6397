-- One row per NHS unit with a candidate: its best dwelling, the margin over the second best (match weight,
-- log2), and the decision. Of two dwellings with the same weight the margin is 0, so neither is linked.
WITH contested AS (
    SELECT nhs_id
    FROM {pairs}
    GROUP BY nhs_id
    HAVING COUNT(*) > 1
),
-- Most units have one candidate and need no sorting.
ranked AS (
    SELECT
        *,
        NULL::DOUBLE AS second_match_weight,
        NULL::BIGINT AS second_dwelling_id,
        1 AS place_in_order
    FROM {pairs} AS pair
    ANTI JOIN contested ON contested.nhs_id = pair.nhs_id
    UNION ALL
    SELECT
        *,
        LEAD(match_weight) OVER best_first AS second_match_weight,
        LEAD(dwelling_id) OVER best_first AS second_dwelling_id,
        ROW_NUMBER() OVER best_first AS place_in_order
    FROM {pairs} AS pair
    SEMI JOIN contested ON contested.nhs_id = pair.nhs_id
    WINDOW best_first AS (PARTITION BY nhs_id ORDER BY match_weight DESC, dwelling_id)
)
SELECT
    * EXCLUDE (place_in_order),
    match_weight - second_match_weight AS margin_match_weight,
    CASE
        WHEN match_weight < $lower_match_weight THEN 'below_threshold'
        WHEN match_weight < $upper_match_weight THEN 'clerical_review'
        WHEN match_weight - second_match_weight < $margin_match_weight THEN 'ambiguous'
        ELSE 'linked'
    END AS reason
FROM ranked
WHERE place_in_order = 1
