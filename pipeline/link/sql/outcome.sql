-- One row per NHS record: where it was linked, or why not.
CREATE TABLE outcome AS
SELECT
    nhs_member.record_pseudonym AS nhs_record_pseudonym,
    nhs_member.unit_id,
    CASE
        WHEN moved_member.member_id IS NOT NULL THEN moved_member.dwelling_id
        WHEN judged.reason = 'linked' AND NOT COALESCE(residence.is_split_off, FALSE)
            THEN judged.dwelling_id
    END AS dwelling_id,
    CASE WHEN moved_member.member_id IS NOT NULL THEN nhs_unit.unit || '-moved' ELSE nhs_unit.unit END
        AS address_group,
    CASE
        WHEN moved_member.member_id IS NOT NULL THEN 'linked'
        WHEN judged.reason = 'linked' AND COALESCE(residence.is_split_off, FALSE) THEN 'split_off'
        ELSE COALESCE(judged.reason, 'no_candidate')
    END AS reason,
    CASE
        WHEN moved_member.member_id IS NOT NULL THEN 'evidence'
        WHEN judged.reason = 'linked' AND NOT COALESCE(residence.is_split_off, FALSE) THEN judged.level
    END AS level,
    COALESCE(moved_member.match_weight, judged.match_weight) AS match_weight,
    COALESCE(moved_member.match_probability, judged.match_probability) AS match_probability,
    COALESCE(moved_member.elsewhere, residence.listed_level) AS listed_level,
    CASE WHEN moved_member.member_id IS NULL THEN residence.residence_match_weight END
        AS residence_match_weight
FROM nhs_member
INNER JOIN nhs_unit ON nhs_unit.unit_id = nhs_member.unit_id
LEFT JOIN judged ON judged.nhs_id = nhs_member.unit_id
LEFT JOIN moved_member ON moved_member.member_id = nhs_member.member_id
LEFT JOIN residence ON residence.member_id = nhs_member.member_id
