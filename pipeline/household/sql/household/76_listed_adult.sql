-- One row per dwelling with residents: the adults whom the council's services list there. unexplained_adults: those who
-- are none of the residents, by the service that lists the most of them. A listed person of unknown age counts as an
-- adult, except a pupil.
CREATE TABLE listed_adult AS
WITH explained AS (
    SELECT
        household_pseudonym,
        COUNT(*) FILTER (is_listed_by_council AND (age_years >= 18 OR age_years IS NULL)) AS listed_residents
    FROM household_member
    GROUP BY household_pseudonym
),
by_service AS (
    SELECT
        dwelling_record_pseudonym AS household_pseudonym,
        service,
        COUNT(*) AS adults
    FROM listed_person
    WHERE person_pseudonym IS NULL
        AND NOT is_tied
        AND service <> 'school_census'
        AND (age_years >= 18 OR age_years IS NULL)
    GROUP BY dwelling_record_pseudonym, service
),
unexplained AS (
    SELECT
        household_pseudonym,
        MAX(adults) AS adults
    FROM by_service
    GROUP BY household_pseudonym
)
SELECT
    explained.household_pseudonym,
    COALESCE(unexplained.adults, 0) AS unexplained_adults,
    explained.listed_residents + COALESCE(unexplained.adults, 0) AS adults
FROM explained
LEFT JOIN unexplained
    ON unexplained.household_pseudonym = explained.household_pseudonym;
