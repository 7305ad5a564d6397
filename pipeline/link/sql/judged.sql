-- One row per NHS unit that some dwelling competes for: the best (see `ranked.sql`), its verdict once more, with
-- the link's level, its evidence as bits, and contradiction.
CREATE TABLE judged AS
WITH decision AS (
    {ranked}
)
SELECT
    decision.* EXCLUDE (reason),
    CASE
        WHEN decision.reason = 'linked' AND decision.people IN {too_little} THEN 'clerical_review'
        ELSE decision.reason
    END AS reason,
    {level} AS level,
    {evidence_bits} AS evidence_bits,
    decision.place IN {same_uprn}
        AND (
            decision.people IN {nobody}
            OR (decision.people IS NULL AND decision.place = 'uprn_other_address')
        ) AS contradicted
FROM decision
