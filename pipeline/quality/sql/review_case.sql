-- One row per sampled pair of an NHS address group and its best dwelling: how far their fields agree, and the
-- stratum that it was drawn from. No identifier of either side.
WITH member AS (
    SELECT
        split_part(address_group, '-', 1) AS address_group,
        ethnic_group,
        COUNT(*) AS members
    FROM quality_record
    GROUP BY ALL
),
-- The ethnic group of most members; among equals the first by name.
grouped AS (
    SELECT
        address_group,
        ethnic_group
    FROM member
    QUALIFY ROW_NUMBER() OVER (PARTITION BY address_group ORDER BY members DESC, ethnic_group) = 1
),
candidate AS (
    SELECT
        substr(sha256(decision.address_group || ' ' || decision.dwelling_record_pseudonym), 1, 16)
            AS review_case,
        {band} AS band,
        COALESCE(grouped.ethnic_group, 'not known') AS stratum_group,
        round(decision.match_weight, 2) AS match_weight,
        round(decision.margin_match_weight, 2) AS margin_match_weight,
        decision.match_key,
        decision.place,
        decision.people,
        decision.evidence_bits,
        decision.contradicted,
        address_group.nhs_records,
        decision.reason
    FROM decision
    INNER JOIN address_group ON address_group.address_group = decision.address_group
    LEFT JOIN grouped ON grouped.address_group = decision.address_group
)
SELECT
    *,
    COUNT(*) OVER (PARTITION BY band, stratum_group) AS stratum_pairs,
    ROW_NUMBER() OVER (PARTITION BY band, stratum_group ORDER BY review_case) AS drawn_as
FROM candidate
QUALIFY drawn_as <= $cases_per_stratum
ORDER BY band, stratum_group, drawn_as
