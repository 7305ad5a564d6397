-- One row per level and LSOA: the households that joined, left or changed since its published values last changed.
-- Digests are compared as multisets; a change of one household removes one digest and adds one, so the
-- larger of the two numbers is the least number of households that changed.
WITH current_state AS (
    SELECT level, lsoa21, contribution, digest, COUNT(*) AS households
    FROM household_state
    CROSS JOIN (SELECT UNNEST(['MSOA21', 'LAD']) AS level)
    GROUP BY ALL
),
released AS (
    SELECT level, lsoa21, contribution, digest, COUNT(*) AS households
    FROM released_state
    GROUP BY ALL
),
difference AS (
    SELECT
        COALESCE(current_state.level, released.level) AS level,
        COALESCE(current_state.lsoa21, released.lsoa21) AS lsoa21,
        COALESCE(current_state.contribution, released.contribution) AS contribution,
        COALESCE(current_state.households, 0) - COALESCE(released.households, 0) AS surplus
    FROM current_state
    FULL OUTER JOIN released
        ON released.level = current_state.level
       AND released.lsoa21 = current_state.lsoa21
       AND released.contribution = current_state.contribution
       AND released.digest = current_state.digest
),
by_contribution AS (
    SELECT
        level,
        lsoa21,
        contribution,
        GREATEST(
            COALESCE(SUM(surplus) FILTER (surplus > 0), 0),
            COALESCE(-SUM(surplus) FILTER (surplus < 0), 0)
        ) AS changed
    FROM difference
    WHERE contribution LIKE 'household|%'
       OR NOT EXISTS (SELECT 1 FROM household_state WHERE contribution LIKE 'household|%')
    GROUP BY level, lsoa21, contribution
),
any_difference AS (
    SELECT level, lsoa21, BOOL_OR(surplus <> 0) AS is_changed
    FROM difference
    GROUP BY level, lsoa21
)
SELECT
    any_difference.level,
    any_difference.lsoa21,
    any_difference.is_changed,
    CASE
        WHEN any_difference.is_changed THEN GREATEST(1, COALESCE(MAX(by_contribution.changed), 0))
        ELSE 0
    END AS changed
FROM any_difference
LEFT JOIN by_contribution USING (level, lsoa21)
GROUP BY any_difference.level, any_difference.lsoa21, any_difference.is_changed
ORDER BY any_difference.level, any_difference.lsoa21
