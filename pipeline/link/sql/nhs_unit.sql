-- One row per NHS address group (or part of one): its name, its members' UPRN, and that UPRN's parent.
WITH spread AS (
    SELECT
        unit_id,
        MIN(uprn) AS least_uprn,
        MAX(uprn) AS greatest_uprn
    FROM member_uprn
    WHERE uprn IS NOT NULL
    GROUP BY unit_id
),
-- Members seldom disagree; only then is it worth counting what most of them say.
disputed AS (
    SELECT
        member_uprn.unit_id,
        MODE(member_uprn.uprn ORDER BY member_uprn.uprn) AS uprn
    FROM member_uprn
    INNER JOIN spread ON spread.unit_id = member_uprn.unit_id
    WHERE spread.least_uprn < spread.greatest_uprn
    GROUP BY member_uprn.unit_id
),
-- The parent of each UPRN that the council knows: siblings share it.
parent AS (
    SELECT
        uprn,
        MIN(parent_uprn) AS parent_uprn
    FROM dwelling
    WHERE uprn IS NOT NULL
      AND parent_uprn IS NOT NULL
    GROUP BY uprn
)
SELECT
    first_member.unit_id,
    substr(sha256(first_member.group_key || ' ' || COALESCE(nhs_part.part, '')), 1, 32) AS unit,
    COALESCE(disputed.uprn, spread.least_uprn) AS uprn,
    parent.parent_uprn AS parent_of_uprn
FROM first_member
LEFT JOIN nhs_part ON nhs_part.member_id = first_member.member_id
LEFT JOIN spread ON spread.unit_id = first_member.unit_id
LEFT JOIN disputed ON disputed.unit_id = first_member.unit_id
LEFT JOIN parent ON parent.uprn = COALESCE(disputed.uprn, spread.least_uprn)
ORDER BY first_member.unit_id
