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
    LEFT JOIN moved_member ON moved_member.member_id = member.member_id
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
),
-- A split needs somebody to split from: a member whom the list knows.
known_unit AS (
    SELECT DISTINCT unit_id
    FROM member
    WHERE listed IN {known_levels}
),
weighed AS (
    SELECT
        *,
        $prior_match_weight
            + CASE listed_level {weights} ELSE 0 END
            + CASE list_kind_level {list_kind_weights} ELSE 0 END AS residence_match_weight
    FROM level
)
SELECT
    weighed.member_id,
    weighed.unit_id,
    weighed.dwelling_id,
    weighed.listed_level,
    weighed.list_kind_level,
    weighed.residence_match_weight,
    weighed.residence_match_weight < $upper_match_weight AND known_unit.unit_id IS NOT NULL AS is_split_off
FROM weighed
LEFT JOIN known_unit ON known_unit.unit_id = weighed.unit_id
