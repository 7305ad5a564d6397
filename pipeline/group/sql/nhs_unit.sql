-- One row per NHS address group (or part of one): its name, the UPRN of its members, and the parent of that
-- UPRN. The UPRN is the one that most members record; it is null if two are recorded equally often, because
-- nothing but the order of pseudonyms would decide between them.
WITH spread AS (
    SELECT
        unit_id,
        MIN(uprn) AS least_uprn,
        MAX(uprn) AS greatest_uprn
    FROM member_uprn
    WHERE uprn IS NOT NULL
    GROUP BY unit_id
),
-- Only the few groups whose members record different UPRNs need counting.
disputed AS (
    SELECT
        unit_id,
        CASE WHEN COUNT(*) = 1 THEN MIN(uprn) END AS uprn
    FROM (
        SELECT
            member_uprn.unit_id,
            member_uprn.uprn
        FROM member_uprn
        INNER JOIN spread ON spread.unit_id = member_uprn.unit_id
        WHERE spread.least_uprn < spread.greatest_uprn
          AND member_uprn.uprn IS NOT NULL
        GROUP BY member_uprn.unit_id, member_uprn.uprn
        QUALIFY RANK() OVER (PARTITION BY member_uprn.unit_id ORDER BY COUNT(*) DESC) = 1
    )
    GROUP BY unit_id
),
-- The parent of each UPRN in the council's extract; dwellings with one parent are siblings.
parent AS (
    SELECT
        uprn,
        MIN(parent_uprn) AS parent_uprn
    FROM dwelling
    WHERE uprn IS NOT NULL
      AND parent_uprn IS NOT NULL
    GROUP BY uprn
    HAVING MIN(parent_uprn) = MAX(parent_uprn)
)
SELECT
    first_member.unit_id,
    substr(sha256({group_key} || ' ' || COALESCE(nhs_part.part, '')), 1, 32) AS unit,
    CASE WHEN disputed.unit_id IS NULL THEN spread.least_uprn ELSE disputed.uprn END AS uprn,
    parent.parent_uprn AS parent_of_uprn
FROM first_member
LEFT JOIN nhs_part ON nhs_part.member_id = first_member.member_id
LEFT JOIN spread ON spread.unit_id = first_member.unit_id
LEFT JOIN disputed ON disputed.unit_id = first_member.unit_id
LEFT JOIN parent
    ON parent.uprn = CASE WHEN disputed.unit_id IS NULL THEN spread.least_uprn ELSE disputed.uprn END
ORDER BY first_member.unit_id
