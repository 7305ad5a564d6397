-- One row per whole match weight of the best candidates: number of candidates, and number linked.
SELECT
    GREATEST(-20, LEAST(30, floor(match_weight)))::BIGINT AS match_weight,
    COUNT(*) AS candidates,
    COUNT(*) FILTER (reason = 'linked') AS linked,
    SUM(match_probability) AS probability
FROM decision
GROUP BY ALL
ORDER BY match_weight
