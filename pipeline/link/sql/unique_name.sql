-- One row per full name (token) that one registered person and the list of one dwelling have: of adults who
-- are not listed at their recorded address, and of adults who are listed without a birth date. None where only
-- council tax payers are listed anywhere: then most people are on no list, and payers may be landlords.
CREATE TABLE unique_name AS
WITH candidate AS MATERIALIZED (
    SELECT DISTINCT nhs_member.person_name[1] AS name
    FROM nhs_member
    SEMI JOIN listed_person
        ON listed_person.person_name[1] = nhs_member.person_name[1]
        AND listed_person.is_adult
        AND listed_person.person_name_birth_part IS NULL
    WHERE (nhs_member.list_agreement IS NULL OR nhs_member.list_agreement IN {unlisted_levels})
      AND nhs_member.person_name IS NOT NULL
      AND EXISTS (SELECT 1 FROM dwelling_unit WHERE people > 0 AND NOT is_payer_only)
      AND {may_be_adult}
),
-- Two registrations with one birth date are of one person.
registered AS (
    SELECT nhs_member.person_name[1] AS name
    FROM nhs_member
    SEMI JOIN candidate ON candidate.name = nhs_member.person_name[1]
    GROUP BY nhs_member.person_name[1]
    HAVING COUNT(DISTINCT nhs_member.person_name_birth_part[1])
        + COUNT(*) FILTER (nhs_member.person_name_birth_part IS NULL) = 1
),
listed AS (
    SELECT listed_person.person_name[1] AS name
    FROM listed_person
    SEMI JOIN candidate ON candidate.name = listed_person.person_name[1]
    GROUP BY listed_person.person_name[1]
    HAVING COUNT(DISTINCT listed_person.dwelling_id) = 1
)
SELECT registered.name
FROM registered
INNER JOIN listed ON listed.name = registered.name
