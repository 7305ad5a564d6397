-- One row per household: counts of the residents of one dwelling on the reference date, and attributes of the
-- dwelling. Dwellings that are too large to be a household have standing = 'improbable'.
CREATE TABLE household AS
SELECT
    composition.household_pseudonym,
    council_dwelling.dwelling_anchor,
    composition.standing,
    council_dwelling.lsoa21,
    council_dwelling.msoa21,
    council_dwelling.local_authority,
    council_dwelling.imd_decile,
    (council_dwelling.imd_decile + 1) // 2 AS imd_quintile,
    council_dwelling.aqma,
    composition.residents,
    composition.residents_0_to_4,
    composition.residents_5_to_15,
    composition.residents_16_to_64,
    composition.residents_65_and_over,
    composition.residents_over_67,
    composition.dependants,
    composition.adults,
    composition.composition,
    composition.lives_alone,
    composition.bedrooms_required,
    council_dwelling.bedrooms - composition.bedrooms_required AS occupancy_rating,
    composition.has_recent_mover,
    council_dwelling.property_type,
    council_dwelling.council_tax_band,
    council_dwelling.single_person_discount,
    council_dwelling.council_tax_support,
    council_dwelling.tenure,
    council_dwelling.landlord,
    council_dwelling.bedrooms,
    council_dwelling.epc_rating,
    council_dwelling.is_hmo,
    council_dwelling.damp_report,
    council_dwelling.arrears,
    composition.residents_listed_by_council,
    CASE
        WHEN council_roster.listed_records IS NULL THEN NULL
        WHEN composition.residents_listed_by_council = 0 THEN 'none'
        WHEN composition.residents_listed_by_council < composition.residents THEN 'some'
        ELSE 'all'
    END AS roster_coverage
FROM composition
JOIN council_dwelling
    ON council_dwelling.household_pseudonym = composition.household_pseudonym
LEFT JOIN council_roster
    ON council_roster.household_pseudonym = composition.household_pseudonym;
