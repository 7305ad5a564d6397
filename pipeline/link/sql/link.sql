-- One row per NHS address group (or part of one) linked to a dwelling.
WITH kept AS (
    SELECT DISTINCT
        unit_id,
        is_moved,
        dwelling_id
    FROM outcome
    WHERE dwelling_id IS NOT NULL
),
scored AS (
    SELECT
        kept.unit_id,
        kept.is_moved,
        judged.dwelling_id,
        judged.match_weight,
        judged.match_probability,
        judged.match_key,
        judged.level,
        judged.margin_match_weight,
        judged.second_dwelling_id,
        judged.evidence_bits,
        judged.contradicted
    FROM kept
    INNER JOIN judged ON judged.nhs_id = kept.unit_id AND judged.dwelling_id = kept.dwelling_id
    WHERE NOT kept.is_moved
    UNION ALL
    SELECT
        kept.unit_id,
        kept.is_moved,
        moved_judged.dwelling_id,
        moved_judged.match_weight,
        moved_judged.match_probability,
        moved_judged.match_key,
        'evidence' AS level,
        moved_judged.margin_match_weight,
        moved_judged.second_dwelling_id,
        {moved_bits} AS evidence_bits,
        FALSE AS contradicted
    FROM kept
    INNER JOIN moved_judged ON moved_judged.nhs_id = kept.unit_id
    WHERE kept.is_moved
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
