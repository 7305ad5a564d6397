-- One row: records and dwellings that are neither linked nor given a reason, and links that lack a score.
SELECT
    (SELECT COUNT(*) FROM nhs_resident) AS nhs_records,
    (SELECT COUNT(*) FROM dwelling) AS dwellings,
    (
        SELECT COUNT(*)
        FROM nhs_resident
        LEFT JOIN resident_link ON resident_link.nhs_record_pseudonym = nhs_resident.record_pseudonym
        WHERE resident_link.reason IS NULL
           OR (resident_link.reason = 'linked') <> (resident_link.dwelling_record_pseudonym IS NOT NULL)
    ) AS unexplained_records,
    (
        SELECT COUNT(*)
        FROM dwelling
        LEFT JOIN unlinked_dwelling ON unlinked_dwelling.dwelling_record_pseudonym = dwelling.record_pseudonym
        LEFT JOIN (SELECT DISTINCT dwelling FROM quality_record WHERE is_linked) AS linked
            ON linked.dwelling = dwelling.record_pseudonym
        WHERE (unlinked_dwelling.reason IS NULL) = (linked.dwelling IS NULL)
    ) AS unexplained_dwellings,
    (
        SELECT COUNT(*)
        FROM link
        WHERE match_weight IS NULL
           OR match_probability IS NULL
           OR match_key IS NULL
           OR level IS NULL
           OR evidence_bits IS NULL
           OR (margin_match_weight IS NULL AND second_dwelling_record_pseudonym IS NOT NULL)
    ) AS incomplete_links
