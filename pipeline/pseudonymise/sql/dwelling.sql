-- One row per dwelling of the council's property extract; the identifiers are in clear and are hashed next.
SELECT
    property.record_id AS record_pseudonym,
    property.uprn AS uprn_pseudonym,
    property.parent_uprn AS parent_uprn_pseudonym,
    property.previous_uprn AS previous_uprn_pseudonym,
    property.lsoa21,
    property.blpu_class,
    property.blpu_state,
    property.property_type,
    property.council_tax_band,
    property.council_tax_exemption,
    property.single_person_discount,
    property.council_tax_support,
    property.tenure,
    property.landlord,
    property.bedrooms,
    property.epc_rating,
    property.is_hmo,
    property.damp_report,
    property.arrears,
    property.is_empty,
    match_field.* EXCLUDE (record_id)
FROM council_property AS property
INNER JOIN council_property_match_field AS match_field
    ON property.record_id = match_field.record_id
