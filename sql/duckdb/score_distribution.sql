-- How the scores of screened pairings are spread: tenths of each probability, with how many of them passed.
WITH scores AS (
    SELECT
        'link_probability' AS score,
        link_probability AS p,
        passed
    FROM candidate
    UNION ALL
    SELECT
        'p_below_373_k' AS score,
        p_below_373_k AS p,
        passed
    FROM candidate
)

SELECT
    score,
    least(floor(p * 10), 9) / 10 AS bin_from,
    (least(floor(p * 10), 9) + 1) / 10 AS bin_to,
    count(*) AS n_pairings,
    count(*) FILTER (WHERE passed) AS n_passed
FROM scores
WHERE p IS NOT NULL
GROUP BY ALL
ORDER BY score, bin_from
