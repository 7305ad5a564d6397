-- One row per check between sources: how many dwellings it applies to and how many contradict it.
CREATE TABLE plausibility AS
WITH occupied AS (
    SELECT
        council_dwelling.household_pseudonym,
        council_dwelling.single_person_discount,
        council_dwelling.is_recorded_empty,
        composition.adults,
        composition.residents,
        composition.residents_listed_by_council,
        council_roster.listed_records,
        council_dwelling.bedrooms - composition.bedrooms_required AS occupancy_rating
    FROM council_dwelling
    LEFT JOIN composition
        ON composition.household_pseudonym = council_dwelling.household_pseudonym
    LEFT JOIN council_roster
        ON council_roster.household_pseudonym = council_dwelling.household_pseudonym
)
SELECT
    'single_person_discount' AS plausibility_check,
    'A dwelling with a single person discount has fewer than two registered adults' AS description,
    COUNT(*) FILTER (single_person_discount AND residents > 0) AS dwellings_checked,
    COUNT(*) FILTER (single_person_discount AND adults >= 2) AS dwellings_contradicting
FROM occupied
UNION ALL
SELECT
    'empty_dwelling' AS plausibility_check,
    'No one is registered in a dwelling that the council records as empty' AS description,
    COUNT(*) FILTER (is_recorded_empty) AS dwellings_checked,
    COUNT(*) FILTER (is_recorded_empty AND residents > 0) AS dwellings_contradicting
FROM occupied
UNION ALL
SELECT
    'council_listing' AS plausibility_check,
    'At least one registered resident is listed at the dwelling by a council service' AS description,
    COUNT(*) FILTER (residents > 0 AND listed_records > 0) AS dwellings_checked,
    COUNT(*) FILTER (residents > 0 AND listed_records > 0 AND residents_listed_by_council = 0)
        AS dwellings_contradicting
FROM occupied
UNION ALL
SELECT
    'severe_overcrowding' AS plausibility_check,
    'A dwelling lacks fewer than three of the bedrooms its residents need' AS description,
    COUNT(*) FILTER (occupancy_rating IS NOT NULL) AS dwellings_checked,
    COUNT(*) FILTER (occupancy_rating <= -3) AS dwellings_contradicting
FROM occupied;
