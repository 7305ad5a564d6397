-- One row per NHS unit with a candidate: the best (see `best_candidate.sql`) with its final decision, the
-- link's level, its evidence as bits, and whether names or address contradict the UPRN.
CREATE TABLE recorded_match AS
WITH best AS (
    {best_candidate}
)
SELECT
    best.* EXCLUDE (reason),
    CASE
        WHEN best.reason = 'linked' AND best.people IN {too_weak_to_link} THEN 'clerical_review'
        ELSE best.reason
    END AS reason,
    {level} AS level,
    {evidence_bits} AS evidence_bits,
    best.place IN {same_uprn}
        AND (
            best.people IN {no_one}
            OR ((best.people IS NULL OR best.people IN {no_list}) AND best.place = 'uprn_other_address')
        ) AS contradicted
FROM best
