-- One row per NHS unit with members that its dwelling's list does not know (or no dwelling): those members.
CREATE TABLE moved_nhs_unit AS
WITH name_count AS (
    SELECT
        person_name,
        COUNT(*) AS bearers
    FROM nhs_resident
    WHERE person_name IS NOT NULL
    GROUP BY person_name
)
SELECT
    member.unit_id,
    {person_lists},
    list(DISTINCT nhs_resident.person_name) FILTER (nhs_resident.person_name IS NOT NULL) AS undated_name,
    list(DISTINCT nhs_resident.person_name) FILTER (name_count.bearers = 1) AS rare_name
FROM member
INNER JOIN nhs_resident ON nhs_resident.record_pseudonym = member.record_pseudonym
LEFT JOIN name_count ON name_count.person_name = nhs_resident.person_name
WHERE member.listed IS NULL
   OR member.listed IN {unknown_levels}
GROUP BY member.unit_id
ORDER BY member.unit_id
