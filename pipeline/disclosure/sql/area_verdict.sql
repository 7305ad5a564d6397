-- One row per area: how many of its households changed, and whether its published values may change.
WITH lsoa_change AS (
    SELECT
        whole_area.*,
        COALESCE(near.changed, 0) AS changed,
        COALESCE(far.changed, 0) AS changed_for_authority
    FROM whole_area
    LEFT JOIN area_change AS near ON near.level = 'MSOA21' AND near.lsoa21 = whole_area.lsoa21
    LEFT JOIN area_change AS far ON far.level = 'LAD' AND far.lsoa21 = whole_area.lsoa21
),
msoa_verdict AS (
    SELECT
        msoa21,
        ANY_VALUE(local_authority) AS local_authority,
        SUM(changed) AS changed,
        BOOL_AND(changed = 0 OR changed >= $minimum_changed_households) AS may_change
    FROM lsoa_change
    GROUP BY msoa21
),
carried_lsoa AS (
    SELECT lsoa_change.*
    FROM lsoa_change
    INNER JOIN msoa_verdict USING (msoa21)
    WHERE NOT msoa_verdict.may_change
),
-- groups of households that the authority's new values less the old values of its areas would disclose
carried_group AS (
    SELECT local_authority, 'all' AS grouped, SUM(changed) AS changed
    FROM carried_lsoa
    GROUP BY local_authority
    UNION ALL
    SELECT local_authority, concat('decile ', imd_decile), SUM(changed)
    FROM carried_lsoa
    GROUP BY local_authority, imd_decile
    UNION ALL
    SELECT local_authority, concat('quintile ', (imd_decile + 1) // 2), SUM(changed)
    FROM carried_lsoa
    GROUP BY local_authority, (imd_decile + 1) // 2
    UNION ALL
    SELECT local_authority, concat('aqma ', aqma), SUM(changed)
    FROM carried_lsoa
    GROUP BY local_authority, aqma
),
authority_verdict AS (
    SELECT
        local_authority,
        SUM(changed_for_authority) AS changed,
        (SUM(changed_for_authority) = 0 OR SUM(changed_for_authority) >= $minimum_changed_households)
        AND NOT EXISTS (
            SELECT 1
            FROM carried_group
            WHERE carried_group.local_authority = lsoa_change.local_authority
              AND carried_group.changed BETWEEN 1 AND $minimum_changed_households - 1
        ) AS may_change
    FROM lsoa_change
    GROUP BY local_authority
)
SELECT 'LSOA21' AS area_level, lsoa21 AS area_code, lsoa_change.changed, msoa_verdict.may_change
FROM lsoa_change
INNER JOIN msoa_verdict USING (msoa21)
UNION ALL
SELECT 'MSOA21', msoa21, changed, may_change
FROM msoa_verdict
UNION ALL
SELECT 'LAD', local_authority, changed, may_change
FROM authority_verdict
ORDER BY area_level, area_code
