-- Which anions pass the screen more often than candidates do on the whole: enrichment is the ratio of the two shares.
-- Few candidates make a ratio shaky, so the 95 % Wilson interval of the anion's own share stands beside it.
WITH overall AS (
    SELECT avg(passed::INT) AS share
    FROM candidate
),

by_anion AS (
    SELECT
        anion_id,
        any_value(anion_smiles) AS anion_smiles,
        count(*) AS n_screened,
        count(*) FILTER (WHERE passed) AS n_passed,
        avg(passed::INT) AS share,
        median(tm_k) AS median_tm_k
    FROM candidate
    GROUP BY anion_id
)

SELECT
    a.anion_id,
    a.anion_smiles,
    a.n_screened,
    a.n_passed,
    a.share,
    a.median_tm_k,
    (a.share + 1.9208 / a.n_screened - 1.96 * sqrt(a.share * (1 - a.share) / a.n_screened + 0.9604 / a.n_screened ^ 2))
    / (1 + 3.8416 / a.n_screened) AS share_low,
    (a.share + 1.9208 / a.n_screened + 1.96 * sqrt(a.share * (1 - a.share) / a.n_screened + 0.9604 / a.n_screened ^ 2))
    / (1 + 3.8416 / a.n_screened) AS share_high,
    a.share / nullif(o.share, 0) AS enrichment
FROM by_anion AS a
CROSS JOIN overall AS o
ORDER BY enrichment DESC, a.n_screened DESC, a.anion_id ASC
