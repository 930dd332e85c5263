-- How much of what a run retained is expected to melt below 373.15 K by a melting model, round by round and in all
-- (round null): the mean of P(Tm < 373.15 K), over all scored links and over those in the model's domain.
SELECT
    l.round,
    count(*) AS n_links,
    count(m.p_below_373_k) AS n_scored,
    avg(m.p_below_373_k) AS share_below_373_k,
    count(*) FILTER (WHERE m.in_domain) AS n_in_domain,
    avg(m.p_below_373_k) FILTER (WHERE m.in_domain) AS share_below_373_k_in_domain
FROM ildb.link_score AS l
LEFT JOIN ildb.melting_score AS m ON l.pairing_id = m.pairing_id AND m.model_id = :model_id
WHERE l.run_id = :run_id
GROUP BY ROLLUP (l.round)
ORDER BY l.round NULLS LAST
