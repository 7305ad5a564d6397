-- One row per council dwelling: its attributes, and the rule that leaves its residents out, if any.
CREATE TABLE council_dwelling AS
SELECT
    dwelling.record_pseudonym AS household_pseudonym,
    COALESCE(dwelling.uprn_pseudonym, dwelling.record_pseudonym) AS dwelling_anchor,
    area.lsoa21,
    area.msoa21,
    area.local_authority,
    area.imd_decile,
    area.aqma,
    dwelling.property_type,
    dwelling.council_tax_band,
    dwelling.council_tax_exemption,
    dwelling.single_person_discount,
    dwelling.council_tax_support,
    dwelling.tenure,
    dwelling.landlord,
    dwelling.bedrooms,
    dwelling.epc_rating,
    dwelling.is_hmo OR class.code_group = 'hmo' AS is_hmo,
    dwelling.damp_report,
    dwelling.arrears,
    COALESCE(dwelling.is_empty OR exemption.code_group = 'vacant', FALSE) AS is_recorded_empty,
    CASE
        WHEN class.code_group = 'parent' OR dwelling.blpu_state = '4' THEN 'imprecise'
        WHEN area.lsoa21 IS NULL THEN 'out_of_area'
        WHEN class.code_group = 'communal' OR exemption.code_group = 'communal' THEN 'communal_recorded'
        WHEN class.code_group = 'other' THEN 'non_residential'
    END AS failed_rule
FROM dwelling
LEFT JOIN code_group AS class
    ON class.code_list = 'blpu_class' AND class.code = dwelling.blpu_class
LEFT JOIN code_group AS exemption
    ON exemption.code_list = 'council_tax_exemption' AND exemption.code = dwelling.council_tax_exemption
LEFT JOIN area
    ON area.lsoa21 = dwelling.lsoa21;
