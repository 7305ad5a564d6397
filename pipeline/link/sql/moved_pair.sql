-- One row per pair of an NHS address group with unlisted members and a dwelling elsewhere that lists such
-- people, with its comparison vector. is_best: the group's best such dwelling; reason: its decision.
SELECT
    moved_pair.nhs_id AS address_group,
    moved_pair.dwelling_id AS dwelling_record_pseudonym,
    moved_pair.match_weight,
    moved_pair.match_probability,
    {moved_levels},
    COALESCE(moved_match.dwelling_id = moved_pair.dwelling_id, FALSE) AS is_best,
    moved_match.reason,
    moved_match.margin_match_weight
FROM moved_pair
LEFT JOIN moved_match ON moved_match.nhs_id = moved_pair.nhs_id
ORDER BY moved_pair.nhs_id, moved_pair.dwelling_id
