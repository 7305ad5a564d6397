-- One row per dwelling: the records linked to it, with their probabilities and right links, and its groups.
CREATE TABLE quality_dwelling AS
WITH linked AS (
    SELECT
        dwelling,
        COUNT(*) AS links,
        SUM(match_probability) AS probability,
        SUM(match_probability * (1 - match_probability)) AS variance,
        COUNT(*) FILTER (is_right) AS right_links
    FROM quality_record
    WHERE is_linked
    GROUP BY dwelling
),
true_resident AS (
    SELECT
        dwelling_record_pseudonym,
        COUNT(*) AS true_pairs
    FROM truth
    GROUP BY dwelling_record_pseudonym
)
SELECT
    linked.dwelling IS NOT NULL AS is_linked,
    COALESCE(unlinked_dwelling.reason, 'linked') AS reason,
    COALESCE(linked.links, 0) AS links,
    COALESCE(linked.probability, 0) AS probability,
    COALESCE(linked.variance, 0) AS variance,
    COALESCE(linked.right_links, 0) AS right_links,
    COALESCE(true_resident.true_pairs, 0) AS true_pairs,
    COALESCE(dwelling.tenure, 'not known') AS tenure,
    COALESCE(dwelling.property_type, 'not known') AS property_type,
    COALESCE(area.imd_decile::VARCHAR, 'not known') AS imd_decile,
    CASE WHEN dwelling.parent_uprn_pseudonym IS NULL THEN 'no' ELSE 'yes' END AS shares_a_building
FROM dwelling
LEFT JOIN linked ON linked.dwelling = dwelling.record_pseudonym
LEFT JOIN unlinked_dwelling ON unlinked_dwelling.dwelling_record_pseudonym = dwelling.record_pseudonym
LEFT JOIN true_resident ON true_resident.dwelling_record_pseudonym = dwelling.record_pseudonym
LEFT JOIN area ON area.lsoa21 = dwelling.lsoa21
