-- One row per side and vector of units compared with themselves: how many of the sampled units have it, and the
-- match weight that a pair with it has.
SELECT
    side,
    place,
    people,
    units,
    match_weight
FROM self_comparison
ORDER BY side, match_weight, place, people
