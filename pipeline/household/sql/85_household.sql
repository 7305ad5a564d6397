-- One row per household: residents of one dwelling on $reference_date, with what is known of the dwelling.
CREATE TABLE household AS
SELECT
    composition.household_pseudonym,
    standing_dwelling.dwelling_anchor,
    composition.standing,
    standing_dwelling.lsoa21,
    standing_dwelling.msoa21,
    standing_dwelling.local_authority,
    standing_dwelling.imd_decile,
    (standing_dwelling.imd_decile + 1) // 2 AS imd_quintile,
    standing_dwelling.aqma,
    composition.residents,
    composition.residents_0_to_4,
    composition.residents_5_to_15,
    composition.residents_16_to_64,
    composition.residents_65_and_over,
    composition.residents_over_67,
    composition.dependants,
    composition.adults,
    composition.composition,
    composition.bedrooms_required,
    standing_dwelling.bedrooms - composition.bedrooms_required AS occupancy_rating,
    composition.has_recent_mover,
    standing_dwelling.property_type,
    standing_dwelling.council_tax_band,
    standing_dwelling.single_person_discount,
    standing_dwelling.council_tax_support,
    standing_dwelling.tenure,
    standing_dwelling.landlord,
    standing_dwelling.bedrooms,
    standing_dwelling.epc_rating,
    standing_dwelling.is_hmo,
    standing_dwelling.damp_report,
    standing_dwelling.arrears,
    composition.residents_listed_by_council,
    CASE
        WHEN council_roster.listed_records IS NULL THEN NULL
        WHEN composition.residents_listed_by_council = 0 THEN 'none'
        WHEN composition.residents_listed_by_council < composition.residents THEN 'some'
        ELSE 'all'
    END AS roster_coverage
FROM composition
JOIN standing_dwelling
    ON standing_dwelling.household_pseudonym = composition.household_pseudonym
LEFT JOIN council_roster
    ON council_roster.household_pseudonym = composition.household_pseudonym;
