-- One row per dwelling with listed people whom no linked NHS record there resembles: those people.
CREATE TABLE moved_dwelling_unit AS
WITH name_count AS (
    SELECT
        person_name,
        COUNT(*) AS bearers
    FROM council_resident
    WHERE person_name IS NOT NULL
    GROUP BY person_name
),
listed AS (
    SELECT
        dwelling_unit.unit_id,
        dwelling_unit.unit_id AS dwelling_id,
        council_resident.*
    FROM council_resident
    INNER JOIN dwelling_unit ON dwelling_unit.unit = council_resident.dwelling_record_pseudonym
),
found AS (
    SELECT DISTINCT listed.record_pseudonym
    FROM listed
    INNER JOIN judged ON judged.dwelling_id = listed.dwelling_id AND judged.reason = 'linked'
    INNER JOIN nhs_unit ON nhs_unit.unit_id = judged.nhs_id
    WHERE {found}
)
SELECT
    listed.unit_id,
    {person_lists},
    -- A listed person with a birth date is judged by it; the name alone serves only without one.
    list(DISTINCT listed.person_name)
        FILTER (listed.person_name IS NOT NULL AND listed.person_name_birth IS NULL) AS undated_name,
    list(DISTINCT listed.person_name)
        FILTER (name_count.bearers = 1 AND listed.person_name_birth IS NULL) AS rare_name
FROM listed
LEFT JOIN name_count ON name_count.person_name = listed.person_name
ANTI JOIN found ON found.record_pseudonym = listed.record_pseudonym
GROUP BY listed.unit_id
ORDER BY listed.unit_id
