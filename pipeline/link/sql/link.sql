-- One row per NHS address group linked to a dwelling, with the evidence of the link. The part of a group that
-- moved has a row of its own; its address_group is negative (see `names`).
WITH linked_unit AS (
    SELECT DISTINCT
        unit_id,
        is_moved,
        dwelling_id
    FROM outcome
    WHERE dwelling_id IS NOT NULL
),
scored AS (
    SELECT
        linked_unit.unit_id,
        linked_unit.is_moved,
        recorded_match.dwelling_id,
        recorded_match.match_weight,
        recorded_match.match_probability,
        recorded_match.match_key,
        recorded_match.level,
        recorded_match.margin_match_weight,
        recorded_match.second_dwelling_id,
        recorded_match.evidence_bits,
        recorded_match.contradicted
    FROM linked_unit
    INNER JOIN recorded_match
        ON recorded_match.nhs_id = linked_unit.unit_id
        AND recorded_match.dwelling_id = linked_unit.dwelling_id
    WHERE NOT linked_unit.is_moved
    UNION ALL
    SELECT
        linked_unit.unit_id,
        linked_unit.is_moved,
        moved_match.dwelling_id,
        moved_match.match_weight,
        moved_match.match_probability,
        moved_match.match_key,
        'evidence' AS level,
        moved_match.margin_match_weight,
        moved_match.second_dwelling_id,
        {moved_bits} AS evidence_bits,
        FALSE AS contradicted
    FROM linked_unit
    INNER JOIN moved_match ON moved_match.nhs_id = linked_unit.unit_id
    WHERE linked_unit.is_moved
)
SELECT
    CASE WHEN is_moved THEN -unit_id ELSE unit_id END AS address_group,
    dwelling_id AS dwelling_record_pseudonym,
    match_weight,
    match_probability,
    match_key,
    level,
    margin_match_weight,
    second_dwelling_id AS second_dwelling_record_pseudonym,
    evidence_bits,
    contradicted
FROM scored
ORDER BY unit_id, is_moved
