-- One row per NHS record of a linked unit: the evidence that it lives there, as a match weight.
CREATE TABLE residence AS
WITH aged AS (
    SELECT
        member.*,
        CASE {age_band} END AS age_band,
        moved_member.dwelling_id AS moved_dwelling_id,
        dwelling_unit.list_kind
    FROM member
    INNER JOIN dwelling_unit ON dwelling_unit.unit_id = member.dwelling_id
    LEFT JOIN moved_member ON moved_member.record_pseudonym = member.record_pseudonym
    WHERE member.dwelling_id IS NOT NULL
),
level AS (
    SELECT
        aged.*,
        CASE
            WHEN listed = 'no_list' THEN NULL
            WHEN listed IN ('surname', 'nobody') AND moved_dwelling_id IS NOT NULL THEN 'seen_elsewhere'
            WHEN listed IN ('surname', 'nobody') THEN listed || '_' || age_band
            ELSE listed
        END AS listed_level,
        CASE
            WHEN listed = 'nobody' AND age_years >= 18 AND moved_dwelling_id IS NULL THEN list_kind
        END AS list_kind_level
    FROM aged
)
SELECT
    record_pseudonym,
    unit_id,
    dwelling_id,
    listed_level,
    list_kind_level,
    residence_match_weight,
    -- A split needs somebody to split from: a member whom the list knows.
    residence_match_weight < $upper_match_weight
        AND BOOL_OR(listed_level IN {known_levels}) OVER (PARTITION BY unit_id) AS is_split_off
FROM (
    SELECT
        *,
        $prior_match_weight
            + CASE listed_level {weights} ELSE 0 END
            + CASE list_kind_level {list_kind_weights} ELSE 0 END AS residence_match_weight
    FROM level
)
