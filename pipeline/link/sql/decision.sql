-- One row per NHS address group that some dwelling competes for: the best, its lead, and the verdict.
CREATE TABLE decision AS
WITH ranked AS (
    SELECT
        nhs_id,
        dwelling_id,
        match_weight,
        match_probability,
        match_key,
        place,
        people,
        LEAD(match_weight) OVER best_first AS second_match_weight,
        LEAD(dwelling_id) OVER best_first AS second_dwelling_id,
        ROW_NUMBER() OVER best_first AS place_in_order
    FROM pair
    WINDOW best_first AS (PARTITION BY nhs_id ORDER BY match_weight DESC, dwelling_id)
)
SELECT
    nhs_id,
    dwelling_id,
    match_weight,
    match_probability,
    match_key,
    place,
    people,
    second_match_weight,
    second_dwelling_id,
    match_weight - second_match_weight AS margin_match_weight,
    CASE
        WHEN match_weight < $lower_match_weight THEN 'below_threshold'
        WHEN match_weight < $upper_match_weight THEN 'clerical_review'
        WHEN match_weight - second_match_weight < $margin_match_weight THEN 'ambiguous'
        ELSE 'linked'
    END AS reason
FROM ranked
WHERE place_in_order = 1
