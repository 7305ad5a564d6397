-- One row per NHS record: the dwelling that it is linked to, or the reason why it is linked to none; and for
-- a record of a linked unit the residence match weight: log2 of the odds that the person lives at the
-- dwelling.
CREATE TABLE outcome AS
WITH evidence AS (
    SELECT
        member.member_id,
        member.unit_id,
        member.dwelling_id,
        {member_levels},
        member.list_agreement,
        member.shares_initial,
        member.unit_has_listed_member,
        member.is_at_hmo,
        member.age_years,
        recorded_match.reason,
        recorded_match.level,
        recorded_match.match_weight,
        recorded_match.match_probability,
        moved_member.dwelling_id AS moved_dwelling_id,
        moved_member.match_weight AS moved_match_weight,
        moved_member.match_probability AS moved_match_probability,
        moved_member.elsewhere,
        CASE
            WHEN list_agreement = 'no_list' THEN NULL
            WHEN list_agreement IN ('surname', 'nobody') AND moved_dwelling_id IS NOT NULL
                THEN 'seen_elsewhere'
            WHEN list_agreement IN ('surname', 'nobody') THEN list_agreement || '_' || CASE {age_band} END
            WHEN shares_initial THEN 'initial_shared'
            ELSE list_agreement
        END AS listed_level,
        {other_levels}
    FROM nhs_member AS member
    LEFT JOIN recorded_match ON recorded_match.nhs_id = member.unit_id
    LEFT JOIN moved_member ON moved_member.member_id = member.member_id
),
weighed AS (
    SELECT
        *,
        CASE
            WHEN dwelling_id IS NOT NULL
                THEN $prior_match_weight
                + {weights}
        END AS residence_match_weight
    FROM evidence
),
decided AS (
    SELECT
        *,
        -- A member is split off only from a unit of which some member is listed at the dwelling. The lists of a
        -- house in multiple occupation name few of its people, so to be absent from them is no evidence.
        unit_has_listed_member
            AND NOT is_at_hmo
            AND COALESCE(residence_match_weight < $upper_match_weight, FALSE)
            AS is_split_off
    FROM weighed
)
SELECT
    member_id,
    unit_id,
    dwelling_id AS unit_dwelling_id,
    CASE
        WHEN moved_dwelling_id IS NOT NULL THEN moved_dwelling_id
        WHEN NOT is_split_off THEN dwelling_id
    END AS dwelling_id,
    moved_dwelling_id IS NOT NULL AS is_moved,
    CASE
        WHEN moved_dwelling_id IS NOT NULL THEN 'linked'
        WHEN is_split_off THEN 'split_off'
        ELSE COALESCE(reason, 'no_candidate')
    END AS reason,
    CASE
        WHEN moved_dwelling_id IS NOT NULL THEN 'evidence'
        WHEN dwelling_id IS NOT NULL AND NOT is_split_off THEN level
    END AS level,
    COALESCE(moved_match_weight, match_weight) AS match_weight,
    COALESCE(moved_match_probability, match_probability) AS match_probability,
    elsewhere,
    {level_columns},
    residence_match_weight
FROM decided
