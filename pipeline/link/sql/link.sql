-- One row per NHS address group (or part of one) linked to a dwelling.
WITH kept AS (
    SELECT DISTINCT
        address_group,
        unit_id,
        dwelling_id
    FROM outcome
    WHERE dwelling_id IS NOT NULL
),
scored AS (
    SELECT
        kept.address_group,
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
    WHERE NOT ends_with(kept.address_group, '-moved')
    UNION ALL
    SELECT
        kept.address_group,
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
    WHERE ends_with(kept.address_group, '-moved')
)
SELECT
    scored.address_group,
    dwelling_unit.unit AS dwelling_record_pseudonym,
    scored.match_weight,
    scored.match_probability,
    scored.match_key,
    scored.level,
    scored.margin_match_weight,
    second_unit.unit AS second_dwelling_record_pseudonym,
    scored.evidence_bits,
    scored.contradicted
FROM scored
INNER JOIN dwelling_unit ON dwelling_unit.unit_id = scored.dwelling_id
LEFT JOIN dwelling_unit AS second_unit ON second_unit.unit_id = scored.second_dwelling_id
ORDER BY scored.address_group
