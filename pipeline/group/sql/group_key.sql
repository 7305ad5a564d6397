-- What names the address group of an NHS record: the supplier's word, else the best it recorded.
COALESCE(
    'supplied ' || address_group_pseudonym,
    'uprn ' || uprn_pseudonym,
    'address ' || CAST(address_exact AS VARCHAR),
    'street ' || CAST(address_unit_street[1] AS VARCHAR),
    'record ' || record_pseudonym
)
