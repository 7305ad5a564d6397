-- One row per NHS record: the dwelling that it is linked to, or the reason why it is linked to none; with the
-- match weights (log2) of the link and of the residence, and the levels of the scorecard `residence` that the
-- record reaches.
SELECT
    member_id AS nhs_record_pseudonym,
    CASE WHEN is_moved THEN -unit_id ELSE unit_id END AS address_group,
    dwelling_id AS dwelling_record_pseudonym,
    reason,
    level,
    match_weight,
    match_probability,
    COALESCE(elsewhere, listed_level) AS listed_level,
    CASE WHEN NOT is_moved THEN residence_match_weight END AS residence_match_weight,
    {residence_levels}
FROM outcome
ORDER BY member_id
