-- One row per pair of an NHS address group and a dwelling that was compared: the comparison vector, the rules
-- that found the pair, and its probability among the group's candidates, of which at most one is true.
SELECT
    pair.nhs_id AS address_group,
    pair.dwelling_id AS dwelling_record_pseudonym,
    pair.match_weight,
    pair.match_probability,
    power(2, pair.match_weight) / (1 + SUM(power(2, pair.match_weight)) OVER (PARTITION BY pair.nhs_id))
        AS household_probability,
    pair_blocking.blocking_bits,
    pair.place,
    pair.people
FROM recorded_pair AS pair
INNER JOIN pair_blocking
    ON pair_blocking.nhs_id = pair.nhs_id
    AND pair_blocking.dwelling_id = pair.dwelling_id
ORDER BY pair.nhs_id, pair.dwelling_id
