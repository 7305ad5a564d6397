-- Expression: the name of the address group of an NHS record. It is the supplier's group if there is one,
-- else the most precise of UPRN, address, and number and street; a record with none of them is its own group.
COALESCE(
    'supplied ' || address_group_pseudonym,
    'uprn ' || uprn_pseudonym,
    'address ' || CAST(address_exact AS VARCHAR),
    'street ' || CAST(address_unit_street[1] AS VARCHAR),
    'record ' || record_pseudonym
)
